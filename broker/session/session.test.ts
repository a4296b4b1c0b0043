import { launchResponseSchema, sessionViewSchema, type SessionView } from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { connectClient, valueOf } from '../support/test-client.ts';
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
  const answer = await broker.call('POST', '/api/sessions', {
    token: await broker.token(user),
    body: request,
  });
  expect(answer.status).toBe(202);
  return launchResponseSchema.parse(answer.body).session;
}

async function read(id: string): Promise<SessionView> {
  const { body } = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
  return sessionViewSchema.parse(body);
}

async function untilState(id: string, state: SessionView['state']): Promise<SessionView> {
  return waitFor(`the session to be ${state}`, async () => {
    const session = await read(id);
    return session.state === state ? session : undefined;
  });
}

describe('a session', () => {
  it('goes from launch to streaming, with the reason for its node and a waterfall', async () => {
    const node = test.use(await connectRenderNode(broker));

    const { id } = await launch('rosa');
    const session = await untilState(id, 'streaming');

    expect(session).toMatchObject({
      nodeId: 'render-1',
      studyTitle: 'DOE, JANE · CT chest',
      ownerId: 'rosa',
      placement: { nodeId: 'render-1', reason: expect.stringContaining('the only node') as string },
    });
    expect(session.steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['policy', 'placement', 'command', 'display']),
    );
    expect(node.commandsNamed('session.start')[0]?.payload).toMatchObject({
      sessionId: id,
      studyInstanceUID: '1.2.3.1',
      application: { id: 'workstation' },
      dicomwebUrl: 'https://127.0.0.1:1/dicomweb',
    });
  });

  it('waits in the queue when all slots are taken, and starts when one is free', async () => {
    test.use(await connectRenderNode(broker));
    const first = await launch('rosa');
    await untilState(first.id, 'streaming');

    const second = await launch('rene');
    const third = await launch('rosa', { studyInstanceUID: '1.2.3.2' });
    expect(second).toMatchObject({
      state: 'queued',
      queue: { position: 1, reason: 'All 1 slots are taken' },
    });
    expect(third.queue?.position).toBe(2);
    expect(second.queue?.etaSeconds).toBeGreaterThan(0);

    await broker.call('DELETE', `/api/sessions/${first.id}`, { token: await broker.token('rosa') });
    await untilState(second.id, 'streaming');
    expect((await read(first.id)).state).toBe('closed');
    expect(
      (
        await waitFor('the third to move up', async () => {
          const session = await read(third.id);
          return session.queue?.position === 1 ? session : undefined;
        })
      ).state,
    ).toBe('queued');
  });

  it('is told live to its owner from the queue on', async () => {
    const { socket } = test.use(await connectClient(broker, 'rosa'));
    const states: string[] = [];
    socket.on('session.changed', ({ state }) => states.push(state));

    const { id, state } = await launch('rosa');
    expect(state).toBe('queued');
    test.use(await connectRenderNode(broker));
    await untilState(id, 'streaming');

    await waitFor('the last event', () => (states.includes('streaming') ? true : undefined));
    expect([...new Set(states)]).toEqual([
      'requested',
      'queued',
      'placing',
      'provisioning',
      'starting',
      'streaming',
    ]);
  });

  it('survives a restart of the broker, with its room, its chat and its seats', async () => {
    const node = test.use(await connectRenderNode(broker));
    const { id } = await launch('rosa');
    await untilState(id, 'streaming');
    const first = test.use(await connectClient(broker, 'rosa'));
    const { you } = valueOf(await first.socket.emitWithAck('room.join', { sessionId: id }));
    valueOf(await first.socket.emitWithAck('room.chat', { text: 'before' }));

    const back = new Promise<void>((resolve) => first.socket.io.once('reconnect', () => resolve()));
    await broker.restart();
    await back;
    await waitFor('the socket', () => (first.socket.connected ? true : undefined));

    const again = valueOf(await first.socket.emitWithAck('room.join', { sessionId: id, participantId: you }));
    expect(again.you).toBe(you);
    expect(again.room).toMatchObject({ floorHolder: you, chat: [{ text: 'before' }] });
    expect((await read(id)).state).toBe('streaming');
    expect(node.commandsNamed('session.start')).toHaveLength(1);
    expect(node.commandsNamed('session.stop')).toEqual([]);
    const relayed = await waitFor('the node', async () => {
      const ack = await first.socket.emitWithAck('stream.request', { kind: 'capabilities' });
      return ack.ok ? ack.value : undefined;
    });
    expect(relayed.kind).toBe('capabilities');
  });

  it('that the broker does not know is stopped on its node', async () => {
    const node = test.use(await connectRenderNode(broker));
    const { id } = await launch('rosa');
    await untilState(id, 'streaming');
    const known = node.running.get(id);
    if (!known) throw new Error('not running');
    node.disconnect();
    node.running.set('stranger', { ...known, sessionId: 'stranger' as SessionView['id'] });

    await node.connect();

    const stop = await waitFor('the stop', () => node.commandsNamed('session.stop')[0]);
    expect(stop.payload['sessionId']).toBe('stranger');
    expect((await read(id)).state).toBe('streaming');
  });

  it('is suspended while its node is silent, and opened there anew when the node comes back without it', async () => {
    const node = test.use(await connectRenderNode(broker));
    const { id } = await launch('rosa');
    await untilState(id, 'streaming');
    node.disconnect();
    await untilState(id, 'suspended');
    node.running.clear();

    await node.connect();

    expect((await untilState(id, 'streaming')).recovery).toMatchObject({
      ...{ attempt: 1, lostNodeId: 'render-1' },
      reason: 'The render node was restarted and does not run it any more',
    });
    expect(node.commandsNamed('session.start')).toHaveLength(2);
  });

  it('fails with the words of the node', async () => {
    const node = test.use(await connectRenderNode(broker, { startsBy: 'hand' }));
    const { id } = await launch('rosa');
    await untilState(id, 'starting');

    await node.tell({
      sessionId: id,
      event: { kind: 'failed', code: 'session.start-failed', detail: 'no display' },
    });

    expect((await untilState(id, 'failed')).failure).toEqual({
      code: 'session.start-failed',
      detail: 'no display',
    });
  });

  it('ends at once when its last participant has left', async () => {
    const node = test.use(await connectRenderNode(broker));
    const leaving = await launch('rosa');
    await untilState(leaving.id, 'streaming');
    const client = test.use(await connectClient(broker, 'rosa'));
    valueOf(await client.socket.emitWithAck('room.join', { sessionId: leaving.id }));
    valueOf(await client.socket.emitWithAck('room.leave'));
    await untilState(leaving.id, 'closed');
    expect(node.commandsNamed('session.stop')).toHaveLength(1);
  });

  it('in local mode needs no node, and its token is good until it is closed', async () => {
    const token = await broker.token('rosa');
    const body = { studyInstanceUID: '1.2.3.1', mode: 'local' };
    const launched = launchResponseSchema.parse(
      (await broker.call('POST', '/api/sessions', { token, body })).body,
    );
    const studyToken = launched.local?.studyToken ?? '';
    const ask = async (uid: string): Promise<number> =>
      (await broker.call('GET', `/dicomweb/studies/${uid}/metadata`, { token: studyToken })).status;

    expect(launched.session).toMatchObject({ state: 'streaming', nodeId: null });
    // There is no storage node behind the address: 502 means that the broker let it through.
    expect(await ask('1.2.3.1')).toBe(502);
    expect(await ask('1.2.3.2')).toBe(403);
    await broker.call('DELETE', `/api/sessions/${launched.session.id}`, { token });
    expect(await ask('1.2.3.1')).toBe(401);
  });

  it('is refused to a device that failed its check, and for an unknown study', async () => {
    const token = await broker.token('rosa');
    const device = { verdict: 'refused', checkedAt: '2026-01-01T00:00:00Z', items: [] };
    const refused = await broker.call('POST', '/api/sessions', {
      token,
      body: { studyInstanceUID: '1.2.3.1', device },
    });
    const unknown = await broker.call('POST', '/api/sessions', { token, body: { studyInstanceUID: '9.9' } });

    expect(refused).toMatchObject({ status: 403, body: { code: 'device.refused' } });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'study.unknown' } });
  });
});
