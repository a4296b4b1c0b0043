import { createHash } from 'node:crypto';
import {
  launchResponseSchema,
  recordingListSchema,
  type AuditEvent,
  type ParticipantId,
  type RecordingId,
  type RecordingTold,
  type RecordingView,
  type RoomView,
  type SessionId,
} from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectRenderNode,
  connectStorageNode,
  testStudy,
  type FakeRenderNode,
} from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { connectClient, valueOf, type TestClient } from '../support/test-client.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';
import { waitFor } from '../support/wait.ts';

const suite = new AsyncDisposableStack();
/** Larger than one bit of it. */
const film = new Uint8Array(1_300_000).map((_, index) => index % 251);
const sha256 = createHash('sha256').update(film).digest('hex');
let broker: TestBroker;
let node: FakeRenderNode;

beforeAll(async () => {
  const recording = { rules: { radiologist: 'in-control' }, keepSeconds: 3_600 } as const;
  broker = suite.use(
    await startTestBroker(suite.use(await startTestDatabase()), { seatSeconds: 0.5, recording }),
  );
  suite.use(await connectStorageNode(broker, [testStudy(1)]));
  node = suite.use(await connectRenderNode(broker, { slots: 8, film }));
});
afterAll(async () => suite.disposeAsync());

async function call(
  request: `${'GET' | 'POST' | 'DELETE'} ${string}`,
  user: TestUser,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const [method = '', path = ''] = request.split(' ');
  return broker.call(method, path, { token: await broker.token(user), ...(body && { body }) });
}

async function openSession(): Promise<SessionId> {
  const { body } = await call('POST /api/sessions', 'rosa', { studyInstanceUID: '1.2.3.1' });
  const { id } = launchResponseSchema.parse(body).session;
  await waitFor('the session to stream', async () => {
    const answer = await call(`GET /api/sessions/${id}`, 'rosa');
    return (answer.body as { state: string }).state === 'streaming' ? true : undefined;
  });
  const { body: invitation } = await call(`POST /api/sessions/${id}/invitations`, 'rosa', {});
  await call(`POST /api/invitations/${(invitation as { code: string }).code}/accept`, 'dirk', {});
  return id;
}

type Present = TestClient & { readonly you: ParticipantId; room(): RoomView };

function recordingOf({ recording }: RoomView): RecordingId {
  if (!recording) throw new Error('nothing is recorded');
  return recording.id;
}

/** A person in the room, with what they were told of it last. */
async function enter(sessionId: SessionId, user: TestUser): Promise<Present> {
  const client = await connectClient(broker, user);
  const joined = valueOf(await client.socket.emitWithAck('room.join', { sessionId }));
  let { room } = joined;
  client.socket.on('room.changed', (changed) => (room = changed));
  return { ...client, you: joined.you, room: () => room };
}
const untilPhase = async (person: Present, phase: string | undefined): Promise<RoomView> =>
  waitFor(`a recording that is ${phase}`, () =>
    person.room().recording?.phase === phase ? person.room() : undefined,
  );
const picture = async ({ socket }: Present): Promise<string> => {
  const ack = await socket.emitWithAck('stream.request', { kind: 'capabilities' });
  return ack.ok ? 'shown' : ack.problem.code;
};
const listed = async (user: TestUser): Promise<readonly RecordingView[]> =>
  recordingListSchema.parse((await call('GET /api/recordings', user)).body).recordings;
async function trail(id: RecordingId): Promise<string[]> {
  const { body } = await call('GET /api/audit?limit=1000', 'ada');
  const events = (body as { events: AuditEvent[] }).events.filter(({ objectId }) => objectId === id);
  return events.map(({ action, actorName }) => `${action} ${actorName}`).reverse();
}

function toldOf(id: RecordingId, sessionId: SessionId, changes: Partial<RecordingTold>): RecordingTold {
  return {
    ...{ recordingId: id, sessionId, state: 'kept', startedAt: new Date().toISOString() },
    ...{ stoppedAt: new Date().toISOString(), reason: 'stopped', bytes: film.byteLength, durationMs: 5_000 },
    ...{ pictures: 40, sha256, expiresAt: new Date(Date.now() + 3_600_000).toISOString(), ...changes },
  };
}

async function record(owner: Present, doctor: Present): Promise<RecordingId> {
  valueOf(await owner.socket.emitWithAck('room.record'));
  await untilPhase(doctor, 'asked');
  valueOf(await doctor.socket.emitWithAck('room.answer-recording', { agrees: true }));
  return recordingOf(await untilPhase(owner, 'on'));
}

describe('a recording', () => {
  it('begins when all have agreed, is seen by who agrees, can be fetched by who may, and all of it is in the trail', async () => {
    const sessionId = await openSession();
    using owner = await enter(sessionId, 'rosa');
    using doctor = await enter(sessionId, 'dirk');
    valueOf(await owner.socket.emitWithAck('room.record'));
    await untilPhase(doctor, 'asked');
    expect(node.commandsNamed('recording.start')).toEqual([]);

    valueOf(await doctor.socket.emitWithAck('room.answer-recording', { agrees: true }));

    const id = recordingOf(await untilPhase(owner, 'on'));
    expect(node.commandsNamed('recording.start').at(-1)?.payload).toEqual({
      ...{ recordingId: id, sessionId, keepSeconds: 3_600 },
    });
    using later = await enter(sessionId, 'dirk');
    expect([await picture(doctor), await picture(later)]).toEqual(['shown', 'recording.consent-needed']);
    valueOf(await later.socket.emitWithAck('room.answer-recording', { agrees: true }));
    expect(await picture(later)).toBe('shown');

    valueOf(await doctor.socket.emitWithAck('room.stop-recording'));
    await untilPhase(owner, undefined);
    expect(owner.room().endedRecording).toMatchObject({ id, reason: 'stopped', by: 'Dirk Doctor' });
    await waitFor('the node to stop', () => node.commandsNamed('recording.stop').at(-1));
    valueOf(await node.tellRecording(toldOf(id, sessionId, {})));

    const content = `/api/recordings/${id}/content`;
    expect((await call(`GET ${content}`, 'dirk')).status).toBe(403);
    expect((await call(`GET ${content}`, 'ada')).status).toBe(403);
    const headers = { authorization: `Bearer ${await broker.token('rosa')}` };
    const all = await fetch(`${broker.url}${content}`, { headers });
    expect(new Uint8Array(await all.arrayBuffer())).toEqual(film);
    const part = await fetch(`${broker.url}${content}`, {
      headers: { ...headers, range: 'bytes=1000-1999' },
    });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${film.length}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(film.subarray(1_000, 2_000));

    expect((await call(`DELETE /api/recordings/${id}`, 'dirk')).status).toBe(403);
    expect((await call(`DELETE /api/recordings/${id}`, 'ada')).status).toBe(200);
    expect(node.commandsNamed('recording.delete').at(-1)?.payload).toEqual({ recordingId: id });
    expect((await call(`GET ${content}`, 'rosa')).status).toBe(403);
    expect(await trail(id)).toEqual([
      ...[
        'recording.asked Rosa Radiologist',
        'recording.agreed Dirk Doctor',
        'recording.started Rosa Radiologist',
      ],
      ...['recording.agreed Dirk Doctor', 'recording.stopped Dirk Doctor'],
      ...['recording.fetched Rosa Radiologist', 'recording.fetched Rosa Radiologist'],
      'recording.deleted Ada Admin',
    ]);
  });

  it('does not come about when one does not agree, nor for who may not ask', async () => {
    const sessionId = await openSession();
    using owner = await enter(sessionId, 'rosa');
    using doctor = await enter(sessionId, 'dirk');
    const refused = { ok: false, problem: { code: 'recording.refused' } };
    expect(await doctor.socket.emitWithAck('room.record')).toMatchObject(refused);
    const before = node.commandsNamed('recording.start').length;
    valueOf(await owner.socket.emitWithAck('room.record'));
    await untilPhase(doctor, 'asked');

    valueOf(await doctor.socket.emitWithAck('room.answer-recording', { agrees: false }));

    const room = await untilPhase(owner, undefined);
    expect(room.endedRecording).toMatchObject({ reason: 'declined', by: 'Dirk Doctor', wasOn: false });
    valueOf(await owner.socket.emitWithAck('room.give-floor', { participantId: doctor.you }));
    expect(await owner.socket.emitWithAck('room.record')).toMatchObject(refused);
    expect(await doctor.socket.emitWithAck('room.record')).toMatchObject(refused);
    expect(node.commandsNamed('recording.start')).toHaveLength(before);
  });

  it('ends when who asked for it leaves, and is known to those alone who are on it', async () => {
    const sessionId = await openSession();
    using owner = await enter(sessionId, 'rosa');
    using doctor = await enter(sessionId, 'dirk');
    const id = await record(owner, doctor);

    valueOf(await owner.socket.emitWithAck('room.leave'));

    const room = await untilPhase(doctor, undefined);
    expect(room.endedRecording).toMatchObject({ id, reason: 'asker-left', wasOn: true });
    await waitFor('the node to stop', () =>
      node.commandsNamed('recording.stop').find(({ payload }) => payload['recordingId'] === id),
    );
    const told = toldOf(id, sessionId, { reason: 'asker-left' });
    valueOf(await node.tellRecording(told));
    expect((await listed('rosa')).find((one) => one.id === id)?.may).toEqual({ fetch: true, delete: true });
    expect((await listed('dirk')).find((one) => one.id === id)?.may).toEqual({ fetch: false, delete: false });
    expect((await listed('ada')).find((one) => one.id === id)?.may).toEqual({ fetch: false, delete: true });
    valueOf(await node.tellRecording({ ...told, state: 'deleted' }));
    expect((await trail(id)).at(-1)).toBe('recording.deleted Medusa broker');
    expect((await listed('rosa')).find((one) => one.id === id)?.state).toBe('deleted');
  });

  it('takes the picture from who was away when the others agreed', async () => {
    const sessionId = await openSession();
    using owner = await enter(sessionId, 'rosa');
    const doctor = await enter(sessionId, 'dirk');
    doctor[Symbol.dispose]();
    await waitFor('the doctor to be away', () =>
      owner.room().participants.some(({ isConnected }) => !isConnected) ? true : undefined,
    );

    valueOf(await owner.socket.emitWithAck('room.record'));

    await untilPhase(owner, 'on');
    const removed = await waitFor('the seat to be taken away', () =>
      node
        .commandsNamed('session.remove-participant')
        .find(({ payload }) => payload['sessionId'] === sessionId),
    );
    expect(removed.payload).toEqual({ sessionId, participantId: doctor.you });
  });

  it('goes on when the broker is started anew, and ends with the word of its node', async () => {
    const sessionId = await openSession();
    const owner = await enter(sessionId, 'rosa');
    valueOf(await owner.socket.emitWithAck('room.record'));
    const id = recordingOf(await untilPhase(owner, 'on'));
    await broker.restart();
    owner[Symbol.dispose]();
    await waitFor('the node to be back', async () => {
      const told = node.tellRecording(toldOf(id, sessionId, { reason: 'limit' }));
      return (await told.catch(() => undefined))?.ok === true ? true : undefined;
    });

    using again = await enter(sessionId, 'rosa');
    expect(again.room()).toMatchObject({ recording: null, endedRecording: { reason: 'limit' } });
  });
});
