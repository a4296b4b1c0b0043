import {
  launchResponseSchema,
  sessionViewSchema,
  startSessionSchema,
  type SessionView,
} from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  connectRenderNode,
  connectStorageNode,
  testStudy,
  type FakeRenderNode,
} from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait.ts';

/** At the hospital, where people cannot reach it; in the storage node's zone, as it names none. */
const readerNode = {
  id: 'reader',
  startsBy: 'hand',
  capabilities: { relayPort: 5_000, access: 'private' },
} as const;
const viewerNode = {
  id: 'viewer',
  startsBy: 'hand',
  zone: 'cloud',
  capabilities: { relayPort: 5_001, rtcAddress: '127.0.0.7' },
} as const;

let database: TestDatabase;
let test: AsyncDisposableStack;
let broker: TestBroker;
let reader: FakeRenderNode;
let viewer: FakeRenderNode;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());
beforeEach(async () => {
  test = new AsyncDisposableStack();
  broker = test.use(await startTestBroker(database));
  const studies = [testStudy(1, { storedBytes: 500e6 }), testStudy(2, { storedBytes: 1e6 }), testStudy(3)];
  test.use(await connectStorageNode(broker, studies));
  reader = test.use(await connectRenderNode(broker, readerNode));
  viewer = test.use(await connectRenderNode(broker, viewerNode));
});
afterEach(async () => test.disposeAsync());

async function launch(study: number): Promise<SessionView> {
  const body = { studyInstanceUID: `1.2.3.${study}`, applicationId: 'near-data' };
  const answer = await broker.call('POST', '/api/sessions', { token: await broker.token('rosa'), body });
  expect(answer.status).toBe(202);
  return launchResponseSchema.parse(answer.body).session;
}

async function untilState(id: string, state: SessionView['state']): Promise<SessionView> {
  return waitFor(`the session to be ${state}`, async () => {
    const { body } = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
    const session = sessionViewSchema.parse(body);
    return session.state === state ? session : undefined;
  });
}

async function openInParts(): Promise<SessionView> {
  const session = await launch(1);
  await expect.poll(() => reader.running.size).toBe(1);
  await viewer.tell({ sessionId: session.id, event: { kind: 'streaming' } });
  return untilState(session.id, 'streaming');
}

describe('a session of an application that may run in two parts', () => {
  it('is read next to a large study and shown elsewhere, with the reasons in words', async () => {
    const session = await openInParts();

    expect(session).toMatchObject({
      nodeId: 'viewer',
      placement: {
        nodeId: 'viewer',
        reason: expect.stringMatching(
          /^In two parts: reader reads next to the study, viewer shows: 0\.6 MB over the wide area instead of 500 MB/,
        ) as string,
        split: { readerNodeId: 'reader', wholeBytes: 500e6, splitBytes: 620_000 },
      },
    });
  });

  it('gives both nodes one key, the address of the viewer to the reader alone, and the study to the reader alone', async () => {
    await launch(1);
    await expect.poll(() => reader.running.size).toBe(1);
    const [shown, read] = [viewer, reader].map((node) =>
      startSessionSchema.parse(node.commandsNamed('session.start')[0]?.payload),
    );

    expect(shown).toMatchObject({ studyToken: '', part: { role: 'viewer' } });
    expect(read?.part).toEqual({
      ...{ role: 'reader', host: '127.0.0.7', port: 5_001 },
      relayKey: shown?.part?.relayKey,
    });
    expect(read?.studyToken).not.toBe('');
  });

  it('holds a slot at both nodes, until it ends at both', async () => {
    const { id } = await openInParts();
    const second = await launch(1);
    expect(second).toMatchObject({ state: 'queued', queue: { reason: 'All 1 slots are taken' } });

    await broker.call('DELETE', `/api/sessions/${id}`, { token: await broker.token('rosa') });

    for (const node of [reader, viewer])
      expect(node.commandsNamed('session.stop').map(({ payload }) => payload['sessionId'])).toEqual([id]);
    await expect.poll(() => [...reader.running.keys()]).toEqual([second.id]);
  });

  it('streams when it is seen, not when it is drawn', async () => {
    const { id } = await launch(1);
    await expect.poll(() => reader.running.size).toBe(1);

    await reader.tell({ sessionId: id, event: { kind: 'streaming' } });
    await reader.tell({ sessionId: id, event: { kind: 'step', step: 'display', startMs: 0, endMs: 5 } });
    const drawn = await untilState(id, 'starting');
    await viewer.tell({ sessionId: id, event: { kind: 'streaming' } });

    expect(drawn.steps.map(({ step }) => step)).toContain('display');
    await untilState(id, 'streaming');
  });

  it.each(['reader', 'viewer'] as const)('ends at the other node when the %s fails', async (name) => {
    const { id } = await openInParts();
    const [broken, other] = name === 'reader' ? [reader, viewer] : [viewer, reader];

    await broken.tell({
      sessionId: id,
      event: { kind: 'failed', code: 'session.start-failed', detail: 'no' },
    });

    await untilState(id, 'failed');
    await expect.poll(() => other.commandsNamed('session.stop').length).toBe(1);
  });

  it('goes on when the node of one part is lost, and what is left of its former life is ended', async () => {
    const { id } = await openInParts();

    await viewer.tell({ sessionId: id, event: { kind: 'failed', code: 'node.unreachable', detail: 'gone' } });

    const incarnationsOf = (name: 'session.start' | 'session.stop'): unknown[] =>
      reader.commandsNamed(name).map(({ payload }) => payload['incarnation']);
    await expect.poll(() => incarnationsOf('session.stop')).toEqual([1]);
    await expect.poll(() => incarnationsOf('session.start')).toContain(2);
  });

  it('goes on through a restart of the broker', async () => {
    const { id } = await openInParts();

    await broker.restart();

    await untilState(id, 'streaming');
    await expect.poll(() => [reader.running.has(id), viewer.running.has(id)]).toEqual([true, true]);
    expect([reader, viewer].flatMap((node) => node.commandsNamed('session.stop'))).toEqual([]);
  });

  it.each([
    [2, /As a whole: A split would send 0\.6 MB over the wide area instead of 1\.0 MB: too little gain\.$/],
    [3, /As a whole: The storage node does not tell how large the study is\.$/],
  ])('runs as a whole when that is not worth it (study %s)', async (study, reason) => {
    const { id } = await launch(study);
    await expect.poll(() => viewer.running.size).toBe(1);
    await viewer.tell({ sessionId: id, event: { kind: 'streaming' } });
    const { placement } = await untilState(id, 'streaming');

    expect(placement?.split).toMatchObject({ readerNodeId: null });
    expect(placement?.reason).toMatch(reason);
    expect(viewer.commandsNamed('session.start')[0]?.payload).not.toHaveProperty('part');
    expect(reader.running.size).toBe(0);
  });
});
