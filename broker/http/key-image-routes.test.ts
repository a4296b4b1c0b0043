import { launchResponseSchema, type AuditEvent, type KeyImageNote, type SessionId } from '@medusa/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
let sessionId: SessionId;

const note: KeyImageNote = {
  kind: 'key-image',
  image: {
    ...{ layout: 'stack', kind: 'stack', seriesInstanceUID: '1.2.3.1.1', sopInstanceUID: '1.2.3.1.1.7' },
    ...{
      frame: 1,
      sliceIndex: 6,
      sliceCount: 20,
      windowCenter: 40,
      windowWidth: 400,
      zoom: 1,
      invert: false,
    },
  },
  pixels: { state: 'verified', sha256: 'ab'.repeat(32), encoder: 'libx264', grayLevels: 256 },
  measurement: null,
};

beforeAll(async () => {
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
  suite.use(await connectStorageNode(broker, [testStudy(1)]));
  suite.use(await connectRenderNode(broker));
  const body = { studyInstanceUID: '1.2.3.1' };
  const launched = await broker.call('POST', '/api/sessions', { token: await broker.token('rosa'), body });
  sessionId = launchResponseSchema.parse(launched.body).session.id;
});
afterAll(async () => suite.disposeAsync());

async function send(body: unknown, user: TestUser = 'rosa'): Promise<{ status: number; body: unknown }> {
  return broker.call('POST', `/api/sessions/${sessionId}/key-images`, {
    token: await broker.token(user),
    body,
  });
}

async function listed(user: TestUser = 'rosa'): Promise<{ status: number; body: unknown }> {
  return broker.call('GET', `/api/sessions/${sessionId}/key-images`, { token: await broker.token(user) });
}

it('keeps what was marked and measured, newest first, and writes both to the audit trail', async () => {
  expect(await listed()).toMatchObject({ status: 200, body: { keyImages: [] } });
  const measured = { ...note, kind: 'measurement', measurement: { id: 'm1', lengthMm: 12.5 } };

  expect(await send(note)).toMatchObject({ status: 201, body: { ...note, by: 'Rosa Radiologist' } });
  expect((await send(measured)).status).toBe(201);

  expect(await listed()).toMatchObject({ body: { keyImages: [measured, note] } });
  const { body } = await broker.call('GET', '/api/audit?action=image.noted', {
    token: await broker.token('ada'),
  });
  const { events } = body as { events: AuditEvent[] };
  expect(events.map(({ objectId, detail }) => [objectId, detail]).at(-1)).toEqual([
    '1.2.3.1',
    `key-image of image 1.2.3.1.1.7 frame 1: verified ${'ab'.repeat(32)}`,
  ]);
});

it('keeps nothing of what does not fit, of strangers, and of a session that is over', async () => {
  const before = await listed();

  expect((await send({ ...note, pixels: { ...note.pixels, sha256: 'nonsense' } })).status).toBe(422);
  expect((await send(note, 'dirk')).status).toBe(404);
  expect((await listed('dirk')).status).toBe(404);
  await broker.call('DELETE', `/api/sessions/${sessionId}`, { token: await broker.token('rosa') });
  expect((await send(note)).status).toBe(409);

  expect(await listed()).toEqual(before);
});
