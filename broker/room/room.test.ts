import {
  launchResponseSchema,
  sessionViewSchema,
  type RoomView,
  type SessionId,
  type SessionView,
} from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectRenderNode,
  connectStorageNode,
  testStudy,
  type FakeRenderNode,
} from '../support/fake-nodes.ts';
import { connectClient, valueOf } from '../support/test-client.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';
import { waitFor } from '../support/wait.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
let node: FakeRenderNode;
beforeAll(async () => {
  broker = suite.use(
    await startTestBroker(suite.use(await startTestDatabase()), { seatSeconds: 0.5, joinSeconds: 30 }),
  );
  suite.use(await connectStorageNode(broker, [testStudy(1)]));
  node = suite.use(await connectRenderNode(broker, { slots: 8 }));
});
afterAll(async () => suite.disposeAsync());

async function openSession(): Promise<SessionId> {
  const token = await broker.token('rosa');
  const { body } = await broker.call('POST', '/api/sessions', {
    token,
    body: { studyInstanceUID: '1.2.3.1' },
  });
  const { id } = launchResponseSchema.parse(body).session;
  await untilState(id, 'streaming');
  return id;
}

async function untilState(id: SessionId, state: SessionView['state']): Promise<SessionView> {
  return waitFor(`the session to be ${state}`, async () => {
    const answer = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
    const session = sessionViewSchema.parse(answer.body);
    return session.state === state ? session : undefined;
  });
}

async function invite(id: SessionId): Promise<string> {
  const { status, body } = await broker.call('POST', `/api/sessions/${id}/invitations`, {
    token: await broker.token('rosa'),
    body: {},
  });
  expect(status).toBe(201);
  return (body as { code: string }).code;
}

async function accept(code: string, user: TestUser): Promise<number> {
  return (
    await broker.call('POST', `/api/invitations/${code}/accept`, {
      token: await broker.token(user),
      body: {},
    })
  ).status;
}

describe('a room', () => {
  it('takes an invited doctor in, passes the floor, and tells the node who steers', async () => {
    const sessionId = await openSession();
    using owner = await connectClient(broker, 'rosa');
    using doctor = await connectClient(broker, 'dirk');
    const { you: ownerSeat } = valueOf(await owner.socket.emitWithAck('room.join', { sessionId }));
    const refused = await doctor.socket.emitWithAck('room.join', { sessionId });
    expect(refused).toMatchObject({ ok: false, problem: { code: 'access.refused' } });

    expect(await accept(await invite(sessionId), 'dirk')).toBe(200);
    const { you: doctorSeat, room } = valueOf(await doctor.socket.emitWithAck('room.join', { sessionId }));
    expect(room).toMatchObject({
      floorHolder: ownerSeat,
      participants: [
        { name: 'Rosa Radiologist', isOwner: true },
        { name: 'Dirk Doctor', isOwner: false, role: 'doctor' },
      ],
    });

    const asked = new Promise((resolve) => owner.socket.once('room.floor-requested', resolve));
    valueOf(await doctor.socket.emitWithAck('room.request-floor'));
    expect(await asked).toEqual({ participantId: doctorSeat });
    expect(await doctor.socket.emitWithAck('room.take-floor')).toMatchObject({
      ok: false,
      problem: { code: 'room.floor-held' },
    });
    valueOf(await owner.socket.emitWithAck('room.give-floor', { participantId: doctorSeat }));
    await waitFor('the node to know', () =>
      node.commandsNamed('session.set-controller').at(-1)?.payload['participantId'] === doctorSeat
        ? true
        : undefined,
    );

    const said = new Promise((resolve) => owner.socket.once('room.chatted', resolve));
    valueOf(await doctor.socket.emitWithAck('room.chat', { text: 'look here' }));
    expect(await said).toMatchObject({ name: 'Dirk Doctor', text: 'look here' });
    const pointed = new Promise((resolve) => owner.socket.once('room.pointed', resolve));
    doctor.socket.emit('room.point', { x: 0.25, y: 0.5 });
    expect(await pointed).toEqual({ participantId: doctorSeat, pointer: { x: 0.25, y: 0.5 } });

    const left = new Promise<RoomView>((resolve) => owner.socket.once('room.changed', resolve));
    valueOf(await doctor.socket.emitWithAck('room.leave'));
    expect(await left).toMatchObject({ floorHolder: ownerSeat, participants: [{ id: ownerSeat }] });
    expect(node.commandsNamed('session.remove-participant').at(-1)?.payload['participantId']).toBe(
      doctorSeat,
    );
    valueOf(await owner.socket.emitWithAck('room.leave'));
    await untilState(sessionId, 'closed');
    expect(node.running.has(sessionId)).toBe(false);
  });

  it('keeps a seat for a lost connection, and gives it up in the end', async () => {
    const sessionId = await openSession();
    const first = await connectClient(broker, 'rosa');
    const { you } = valueOf(await first.socket.emitWithAck('room.join', { sessionId }));
    first[Symbol.dispose]();
    using second = await connectClient(broker, 'rosa');

    const again = valueOf(await second.socket.emitWithAck('room.join', { sessionId, participantId: you }));
    expect(again).toMatchObject({
      you,
      room: { participants: [{ id: you, isConnected: true }], floorHolder: you },
    });

    second[Symbol.dispose]();
    expect((await untilState(sessionId, 'closed')).closeReason).toBe('Everybody left');
  });

  it('relays what a participant asks of the node, and nothing of others', async () => {
    const sessionId = await openSession();
    using owner = await connectClient(broker, 'rosa');
    const early = await owner.socket.emitWithAck('stream.request', { kind: 'capabilities' });
    expect(early).toMatchObject({ ok: false, problem: { code: 'room.not-joined' } });

    const { you } = valueOf(await owner.socket.emitWithAck('room.join', { sessionId }));
    const answer = valueOf(await owner.socket.emitWithAck('stream.request', { kind: 'capabilities' }));

    expect(answer).toEqual({ kind: 'capabilities', routerRtpCapabilities: { codecs: [] } });
    expect(node.commandsNamed('stream.request').at(-1)?.payload).toEqual({
      sessionId,
      participantId: you,
      request: { kind: 'capabilities' },
    });
    const malformed = await owner.socket.emitWithAck('stream.request', { kind: 'nonsense' } as never);
    expect(malformed).toMatchObject({ ok: false, problem: { code: 'request.invalid' } });
    valueOf(await owner.socket.emitWithAck('room.leave'));
  });

  it('has no door for a wrong code, an ended session, or an uninvited reader', async () => {
    const sessionId = await openSession();
    const code = await invite(sessionId);
    const readAs = async (user: TestUser): Promise<number> =>
      (await broker.call('GET', `/api/sessions/${sessionId}`, { token: await broker.token(user) })).status;

    expect(await accept('A'.repeat(22), 'dirk')).toBe(404);
    expect(await readAs('dirk')).toBe(404);
    await broker.call('DELETE', `/api/sessions/${sessionId}`, { token: await broker.token('rosa') });
    expect(await accept(code, 'dirk')).toBe(404);
  });
});

describe('the live link', () => {
  it('refuses a bad token', async () => {
    const { io } = await import('socket.io-client');
    const socket = io(`${broker.url}/client`, {
      auth: { token: 'nonsense' },
      transports: ['websocket'],
      forceNew: true,
    });
    const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve));
    socket.disconnect();

    expect(error.message).toBe('The access token is not valid');
  });

  it('takes a fresh token of the same user and none of another', async () => {
    using client = await connectClient(broker, 'rosa');

    const own = await client.socket.emitWithAck('identity.renew', {
      token: (await broker.logIn('rosa')).access_token,
    });
    const others = await client.socket.emitWithAck('identity.renew', { token: await broker.token('dirk') });

    expect(own).toEqual({ ok: true, value: null });
    expect(others).toMatchObject({ ok: false, problem: { code: 'identity.rejected' } });
  });

  it('tells the worklist to radiologists and the nodes to administrators, and nobody else', async () => {
    using doctor = await connectClient(broker, 'dirk');
    using radiologist = await connectClient(broker, 'rosa');
    using admin = await connectClient(broker, 'ada');

    expect(await doctor.socket.emitWithAck('worklist.subscribe')).toMatchObject({
      ok: false,
      problem: { code: 'access.refused' },
    });
    expect(await radiologist.socket.emitWithAck('admin.subscribe')).toMatchObject({
      ok: false,
      problem: { code: 'access.refused' },
    });
    expect(valueOf(await radiologist.socket.emitWithAck('worklist.subscribe'))).toMatchObject([
      { studyInstanceUID: '1.2.3.1' },
    ]);
    const snapshot = valueOf(await admin.socket.emitWithAck('admin.subscribe'));
    expect(snapshot.nodes.map(({ id, state }) => [id, state])).toEqual([
      ['storage-1', 'ready'],
      ['render-1', 'ready'],
    ]);
  });
});
