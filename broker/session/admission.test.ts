import {
  launchResponseSchema,
  reservationSchema,
  sessionViewSchema,
  type SessionView,
} from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';
import { waitFor } from '../support/wait.ts';

let database: TestDatabase;
let test: AsyncDisposableStack;
let broker: TestBroker;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());
beforeEach(async () => {
  test = new AsyncDisposableStack();
  broker = test.use(await startTestBroker(database));
  test.use(await connectStorageNode(broker, [testStudy(1), testStudy(2)]));
});
afterEach(async () => test.disposeAsync());

async function launch(user: TestUser, body: object = {}): Promise<SessionView> {
  const request = { studyInstanceUID: '1.2.3.1', ...body };
  const token = await broker.token(user);
  const answer = await broker.call('POST', '/api/sessions', { token, body: request });
  return launchResponseSchema.parse(answer.body).session;
}

async function untilState(id: string, state: SessionView['state']): Promise<SessionView> {
  return waitFor(`the session to be ${state}`, async () => {
    const { body } = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
    const session = sessionViewSchema.parse(body);
    return session.state === state ? session : undefined;
  });
}

async function stateOf(id: string): Promise<string> {
  const { body } = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
  return sessionViewSchema.parse(body).state;
}

async function end(id: string): Promise<void> {
  await broker.call('DELETE', `/api/sessions/${id}`, { token: await broker.token('ada') });
}

function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

async function reserve(user: TestUser, from: number, to: number): Promise<{ status: number; body: unknown }> {
  const body = { slots: 1, startsAt: inHours(from), endsAt: inHours(to) };
  return broker.call('POST', '/api/reservations', { token: await broker.token(user), body });
}

describe('the queue', () => {
  it('lets an emergency pass who came before, and tells everybody place, reason and time', async () => {
    test.use(await connectRenderNode(broker));
    const first = await launch('rosa');
    await untilState(first.id, 'streaming');
    const routine = await launch('rene');
    const urgent = await launch('rosa', { priority: 'stat', studyInstanceUID: '1.2.3.2' });

    expect(urgent).toMatchObject({ state: 'queued', priority: 'stat', queue: { position: 1 } });
    const later = await waitFor('the other to move down', async () => {
      const known = await untilState(routine.id, 'queued');
      return known.queue?.position === 2 ? known : undefined;
    });
    for (const { queue } of [urgent, later]) {
      expect(queue?.reason).toBe('All 1 slots are taken');
      expect(queue?.etaSeconds).toBeGreaterThan(0);
    }
    await end(first.id);
    await untilState(urgent.id, 'streaming');
  });

  it('goes round: who holds a slot already waits for those who have none', async () => {
    test.use(await connectRenderNode(broker, { slots: 2 }));
    const mine = await Promise.all([launch('rosa'), launch('rosa', { studyInstanceUID: '1.2.3.2' })]);
    await Promise.all(mine.map(async ({ id }) => untilState(id, 'streaming')));
    const third = await launch('rosa');
    const other = await launch('rene');

    await end(mine[0].id);

    await untilState(other.id, 'streaming');
    expect((await untilState(third.id, 'queued')).queue?.position).toBe(1);
  });

  it('keeps a slot for who has reserved it, and says so to the others', async () => {
    test.use(await connectRenderNode(broker, { slots: 1 }));
    const reserved = await reserve('rene', -0.1, 1);
    expect(reserved.status).toBe(201);

    const other = await launch('rosa');
    expect(other).toMatchObject({
      state: 'queued',
      queue: { position: 1, reason: 'The one free slot is reserved by others' },
    });
    expect(other.queue?.etaSeconds).toBeGreaterThan(3_000);
    const owner = await launch('rene');
    await untilState(owner.id, 'streaming');
  });

  it('lets others in when the reservation is given up', async () => {
    test.use(await connectRenderNode(broker, { slots: 1 }));
    const { id } = reservationSchema.parse((await reserve('rene', -0.1, 1)).body);
    const waiting = await launch('rosa');

    const path = `/api/reservations/${id}`;
    const refused = await broker.call('DELETE', path, { token: await broker.token('rosa') });
    expect(refused.status).toBe(404);
    await broker.call('DELETE', path, { token: await broker.token('rene') });

    await untilState(waiting.id, 'streaming');
  });

  it('takes no reservation that could not be kept', async () => {
    test.use(await connectRenderNode(broker, { slots: 1 }));
    await reserve('rene', 2, 4);

    expect(await reserve('rosa', 3, 5)).toMatchObject({
      status: 409,
      body: { code: 'reservation.conflict' },
    });
    expect(await reserve('rosa', 4, 5)).toMatchObject({ status: 201 });
    expect(await reserve('rosa', 5, 4)).toMatchObject({ status: 422 });
    const all = await broker.call('GET', '/api/reservations', { token: await broker.token('ada') });
    const own = await broker.call('GET', '/api/reservations', { token: await broker.token('rosa') });
    expect([all.body, own.body]).toMatchObject([
      { reservations: [{ ownerName: 'René Radiologist' }, {}] },
      { reservations: [{ ownerId: 'rosa' }] },
    ]);
  });

  it('is empty at once when a node comes that has room for all', async () => {
    const ids = [(await launch('rosa')).id, (await launch('rene')).id, (await launch('rosa')).id];

    test.use(await connectRenderNode(broker, { slots: 3 }));

    const sessions = await Promise.all(ids.map(async (id) => untilState(id, 'streaming')));
    for (const { placement } of sessions)
      expect(placement).toMatchObject({
        nodeId: 'render-1',
        predicted: { isMeasured: true, calibration: '1' },
      });
  });

  it('is worked off by several brokers at once, and no slot is given twice', async () => {
    const other = test.use(await startTestBroker(database, { databaseUrl: broker.databaseUrl }));
    test.use(await connectStorageNode(other, []));
    const nodes = [
      test.use(await connectRenderNode(broker, { id: 'render-1', slots: 2 })),
      test.use(await connectRenderNode(other, { id: 'render-2', slots: 2 })),
    ];

    const launched = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => launch(n % 2 === 0 ? 'rosa' : 'rene')),
    );

    await waitFor('four to run', async () => {
      const states = await Promise.all(launched.map(async ({ id }) => stateOf(id)));
      return states.filter((state) => state === 'streaming').length === 4 ? true : undefined;
    });
    expect(nodes.map(({ running }) => running.size)).toEqual([2, 2]);
    expect(new Set(nodes.flatMap(({ running }) => [...running.keys()])).size).toBe(4);
  });
});
