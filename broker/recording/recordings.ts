import { randomUUID } from 'node:crypto';
import {
  AppError,
  recordingIdSchema,
  type NodeId,
  type RecordingEnd,
  type RecordingId,
  type RecordingRight,
  type RecordingRules,
  type RecordingTold,
  type RecordingView,
  type RoomRecording,
  type SessionId,
} from '@medusa/protocol';
import { brokerActor, type AuditActor, type AuditTrail } from '../audit/index.ts';
import type { User } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { maySee, type Rooms, type RoomState, type Sitter } from '../room/index.ts';
import type { Sessions } from '../session/index.ts';
import { maySeeRecording, rightOf, toRecordingView, type RecordingRecord } from './recording-record.ts';
import { openFilm, type OpenedFilm } from './opened-film.ts';

export interface RecordingStore {
  insert(record: RecordingRecord): Promise<void>;
  find(id: RecordingId): Promise<RecordingRecord | undefined>;
  /** Reads, changes and writes as one. Undefined: there is none. */
  update(
    id: RecordingId,
    change: (record: RecordingRecord) => RecordingRecord,
  ): Promise<RecordingRecord | undefined>;
  /** Newest first. */
  list(most: number): Promise<readonly RecordingRecord[]>;
}

type By = { readonly user: User; readonly actor: AuditActor };

/** Recordings of what a room sees: nothing is recorded of which not all who see it have agreed. */
export interface Recordings {
  /** Null: this user may record nothing. */
  rightOf(user: User): RecordingRight | null;
  /** @throws AppError `recording.refused`, `recording.conflict` */
  ask(sitter: Sitter, user: User): Promise<void>;
  answer(sitter: Sitter, agrees: boolean): Promise<void>;
  /** Anybody in the room may. */
  stop(sitter: Sitter): Promise<void>;
  /** @throws AppError `recording.consent-needed` while a seat has to agree before it gets a picture. */
  requireConsent(sitter: Pick<Sitter, 'sessionId' | 'participantId'>): Promise<void>;
  told(nodeId: NodeId, told: RecordingTold): Promise<void>;
  listFor(user: User): Promise<readonly RecordingView[]>;
  /** @throws AppError `recording.unknown`, `access.refused`, `node.unreachable` */
  fetch(id: RecordingId, by: By): Promise<OpenedFilm>;
  delete(id: RecordingId, by: By): Promise<void>;
  /** After a restart, and regularly: what nobody answers, or what was cut off, is given up. */
  restore(): Promise<void>;
  sweep(): Promise<void>;
}

type Deps = {
  readonly rules: RecordingRules;
  readonly keepSeconds: number;
  readonly store: RecordingStore;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly nodes: NodeRegistry;
  readonly audit: AuditTrail;
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
};

const mostListed = 500;
/** Who is asked and does not answer does not agree. */
const answerMs = 120_000;

export function createRecordings(deps: Deps): Recordings {
  const { rules, store, rooms, sessions, nodes, audit, now, report } = deps;
  /** Rooms in which a recording is on, as this broker knows: their sessions are watched. */
  const watched = new Set<SessionId>();
  const record = async (
    action: `recording.${'asked' | 'agreed' | 'declined' | 'started' | 'stopped' | 'fetched' | 'deleted'}`,
    what: { id: RecordingId; actor: AuditActor; detail: string },
  ): Promise<void> => {
    await audit.record({
      action,
      actor: what.actor,
      objectType: 'recording',
      objectId: what.id,
      detail: what.detail,
    });
  };
  const end = async (sessionId: SessionId, id: RecordingId, reason: RecordingEnd): Promise<void> => {
    await rooms.moveRecording(sessionId, { kind: 'recording', act: 'end', id, reason });
  };

  const stopAtNode = async (id: RecordingId, sessionId: SessionId, reason: RecordingEnd): Promise<void> => {
    watched.delete(sessionId);
    const nodeId = (await store.find(id))?.nodeId ?? (await sessions.get(sessionId)).nodeId;
    if (nodeId === null || !nodes.hasLink(nodeId)) return;
    await nodes.command(nodeId, 'recording.stop', { recordingId: id, reason });
  };

  /** All who are present have agreed. */
  const begin = async (room: RoomState): Promise<void> => {
    const { sessionId, recording } = room;
    if (!recording) return;
    const { id } = recording;
    try {
      await startAtNode(deps, room, recording.agreed);
      const at = now().toISOString();
      await store.insert(await newRecord(deps, room, at));
      const names = room.seats.filter((seat) => recording.agreed.includes(seat.id)).map(({ name }) => name);
      const detail = `session ${sessionId}, agreed: ${names.join(', ')}`;
      await record('recording.started', { id, actor: actorOf(room, recording.askedBy), detail });
      await rooms.moveRecording(sessionId, { kind: 'recording', act: 'begin', id, at });
      watched.add(sessionId);
    } catch (error) {
      report(error);
      await end(sessionId, id, 'failed');
    }
  };

  const ended = async (was: RoomRecording, { sessionId, endedRecording }: RoomState): Promise<void> => {
    if (!endedRecording) return;
    const { id } = was;
    await stopAtNode(id, sessionId, endedRecording.reason);
    const detail = endedRecording.reason;
    if (endedRecording.by === null) await record('recording.stopped', { id, actor: brokerActor, detail });
  };
  rooms.events.on('recordingChanged', (before, after) => {
    const [was, is] = [before.recording ?? null, after.recording ?? null];
    if (is?.phase === 'starting' && was?.phase !== 'starting') begin(after).catch(report);
    if (was && was.phase !== 'asked' && !is) ended(was, after).catch(report);
  });
  // On its way to another node it is not recorded: who sees it there agrees anew.
  sessions.events.on('changed', ({ id: sessionId, state }) => {
    if (!watched.has(sessionId) || state === 'streaming' || state === 'suspended') return;
    watched.delete(sessionId);
    endIfOn(sessionId).catch(report);
  });
  const endIfOn = async (sessionId: SessionId): Promise<void> => {
    const recording = (await rooms.find(sessionId))?.recording;
    if (recording) await end(sessionId, recording.id, 'session-ended');
  };

  const heed = async (before: RecordingRecord, told: RecordingTold): Promise<void> => {
    const { recordingId: id, sessionId, ...news } = told;
    if (told.state === 'deleted')
      await record('recording.deleted', { id, actor: brokerActor, detail: 'kept long enough' });
    await store.update(id, (known) => ({ ...known, ...news }));
    if (told.state === 'recording') return;
    const room = await rooms.find(sessionId);
    if (room?.recording?.id === id) await end(sessionId, id, told.reason ?? 'failed');
    else if (before.state === 'recording' && told.reason === 'session-ended')
      await record('recording.stopped', { id, actor: brokerActor, detail: told.reason });
  };

  const known = async (id: RecordingId, user: User): Promise<RecordingView> => {
    const found = await store.find(id);
    if (!found || !maySeeRecording(found, user))
      throw new AppError('recording.unknown', 'There is no such recording');
    return toRecordingView(found, user, rules);
  };

  return {
    rightOf: (user) => rightOf(user, rules),
    async ask({ sessionId, participantId, actor }, user) {
      const right = rightOf(user, rules);
      const holdsFloor = await rooms.holdsFloor({ sessionId, participantId });
      if (right === null || (right === 'in-control' && !holdsFloor))
        throw new AppError('recording.refused', 'Your role does not allow this to you now');
      const { mode, state } = await sessions.get(sessionId);
      if (mode !== 'streamed' || state !== 'streaming')
        throw new AppError('recording.conflict', 'Only a streamed picture can be recorded');
      const id = recordingIdSchema.parse(randomUUID());
      await record('recording.asked', { id, actor, detail: `session ${sessionId}` });
      const at = now().toISOString();
      await rooms.moveRecording(sessionId, { kind: 'recording', act: 'ask', participantId, id, at });
    },
    async answer({ sessionId, participantId, actor }, agrees) {
      const recording = (await rooms.find(sessionId))?.recording;
      if (!recording) throw new AppError('recording.conflict', 'Nobody asks for a recording');
      const { id } = recording;
      const action = agrees ? 'recording.agreed' : 'recording.declined';
      await record(action, { id, actor, detail: `session ${sessionId}` });
      const act = agrees ? 'agree' : 'decline';
      await rooms.moveRecording(sessionId, { kind: 'recording', act, participantId });
      const person = { userId: actor.id as RecordingRecord['askedBy']['userId'], name: actor.name };
      if (agrees) await store.update(id, (known) => withPerson(known, person));
    },
    async stop({ sessionId, participantId, actor }) {
      const recording = (await rooms.find(sessionId))?.recording;
      if (!recording) throw new AppError('recording.conflict', 'Nothing is recorded');
      const detail = `session ${sessionId}${recording.phase === 'on' ? '' : ', before it began'}`;
      await record('recording.stopped', { id: recording.id, actor, detail });
      await rooms.moveRecording(sessionId, { kind: 'recording', act: 'stop', participantId });
    },
    async requireConsent({ sessionId, participantId }) {
      const room = await rooms.find(sessionId);
      if (room && !maySee(room, participantId))
        throw new AppError('recording.consent-needed', 'Agree to the recording to see the picture');
    },
    async told(nodeId, told) {
      const { recordingId: id, sessionId } = told;
      const before = await store.find(id);
      if (before?.nodeId !== nodeId || before.sessionId !== sessionId)
        throw new AppError('recording.unknown', 'This recording is not of this node');
      if (before.state === 'deleted') await deleteAtNode(nodes, before, told.state);
      else await heed(before, told);
    },
    async listFor(user) {
      const all = await store.list(mostListed);
      return all.filter((one) => maySeeRecording(one, user)).map((one) => toRecordingView(one, user, rules));
    },
    async fetch(id, { user, actor }) {
      const found = await known(id, user);
      if (!found.may.fetch) throw new AppError('access.refused', 'You may not see this recording');
      const { sessionId, studyInstanceUID, sha256 } = found;
      const detail = `session ${sessionId}, study ${studyInstanceUID}, SHA-256 ${sha256 ?? 'unknown'}`;
      await record('recording.fetched', { id, actor, detail });
      return openFilm(nodes, found);
    },
    async delete(id, { user, actor }) {
      const found = await known(id, user);
      if (!found.may.delete) throw new AppError('access.refused', 'You may not delete this recording');
      await record('recording.deleted', { id, actor, detail: `session ${found.sessionId}` });
      await store.update(id, (now) => ({ ...now, state: 'deleted', expiresAt: null }));
      // A node that is not there now is told when it tells that it still has it.
      if (nodes.hasLink(found.nodeId))
        await nodes.command(found.nodeId, 'recording.delete', { recordingId: id });
    },
    async restore() {
      for (const { sessionId, recording } of await rooms.all()) {
        if (recording?.phase === 'starting') await end(sessionId, recording.id, 'failed');
        if (recording?.phase === 'on') watched.add(sessionId);
      }
    },
    async sweep() {
      const overdue = now().getTime() - answerMs;
      for (const { sessionId, recording } of await rooms.all())
        if (recording?.phase === 'asked' && Date.parse(recording.askedAt) < overdue)
          await end(sessionId, recording.id, 'expired');
    },
  };
}

/** It was deleted here while the node was away. */
async function deleteAtNode(
  nodes: NodeRegistry,
  { nodeId, id }: RecordingRecord,
  state: RecordingTold['state'],
): Promise<void> {
  if (state === 'kept') await nodes.command(nodeId, 'recording.delete', { recordingId: id });
}

/** The picture of who has a seat and has not agreed, for the connection was lost when the others did, ends first. */
async function startAtNode(
  { sessions, nodes, keepSeconds }: Deps,
  { sessionId, seats, recording }: RoomState,
  agreed: readonly string[],
): Promise<void> {
  const { nodeId } = await sessions.get(sessionId);
  if (nodeId === null || !recording) throw new AppError('node.unreachable', 'The session is on no node');
  for (const { id: participantId } of seats.filter(({ id }) => !agreed.includes(id)))
    await nodes.command(nodeId, 'session.remove-participant', { sessionId, participantId });
  await nodes.command(nodeId, 'recording.start', { recordingId: recording.id, sessionId, keepSeconds });
}

async function newRecord({ sessions }: Deps, room: RoomState, at: string): Promise<RecordingRecord> {
  const { sessionId, seats, recording } = room;
  const { studyInstanceUID, studyTitle, nodeId } = await sessions.get(sessionId);
  const asker = seats.find(({ id }) => id === recording?.askedBy);
  if (nodeId === null || !asker || !recording)
    throw new AppError('node.unreachable', 'The session has moved');
  const { userId, name } = asker;
  const empty: RecordingRecord = {
    ...{ id: recording.id, sessionId, studyInstanceUID, studyTitle, nodeId, askedBy: { userId, name } },
    ...{ people: [], state: 'recording', startedAt: at, stoppedAt: null, reason: null, bytes: 0 },
    ...{ durationMs: 0, pictures: 0, sha256: null, expiresAt: null },
  };
  return seats.filter(({ id }) => recording.agreed.includes(id)).reduce(withPerson, empty);
}

function withPerson(record: RecordingRecord, { userId, name }: RecordingRecord['askedBy']): RecordingRecord {
  if (record.people.some((person) => person.userId === userId)) return record;
  return { ...record, people: [...record.people, { userId, name }] };
}

function actorOf({ seats }: RoomState, participantId: string): AuditActor {
  const seat = seats.find(({ id }) => id === participantId);
  return seat ? { id: seat.userId, name: seat.name, address: '' } : brokerActor;
}
