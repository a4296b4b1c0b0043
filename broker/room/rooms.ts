import { randomUUID } from 'node:crypto';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  participantIdSchema,
  type ChatMessage,
  type JoinedRoom,
  type ParticipantId,
  type RoomView,
  type SessionId,
} from '@medusa/protocol';
import { brokerActor, type AuditActor, type AuditTrail } from '../audit/index.ts';
import { leadingRole, type User } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { isLive, type Sessions } from '../session/index.ts';
import { emptyRoom, isRoomRejection, toRoomView, transitionRoom } from './room-state.ts';
import type { RecordingEvent, RoomEvent, RoomState } from './room-types.ts';

/** Where rooms are kept while their session lives. */
export interface RoomStore {
  load(): Promise<readonly RoomState[]>;
  find(sessionId: SessionId): Promise<RoomState | undefined>;
  /** Reads, changes and writes as one; starts from an empty room. */
  update(sessionId: SessionId, change: (room: RoomState) => RoomState): Promise<RoomState>;
  remove(sessionId: SessionId): Promise<void>;
}

type RoomsDeps = {
  readonly store: RoomStore;
  readonly sessions: Sessions;
  readonly nodes: NodeRegistry;
  readonly audit: AuditTrail;
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
  /** How long a seat is kept for a lost connection. */
  readonly seatSeconds: number;
};

type RoomEvents = {
  changed: [room: RoomView];
  chatted: [sessionId: SessionId, message: ChatMessage];
  floorRequested: [
    request: { sessionId: SessionId; holder: ParticipantId | null; participantId: ParticipantId },
  ];
  /** Somebody took a seat anew; how long it took from being asked, in ms. */
  joined: [seat: { sessionId: SessionId; participantId: ParticipantId; at: Date; joinMs: number }];
  ended: [sessionId: SessionId];
  /** Of recordings: what was asked for, agreed, begun, ended. */
  recordingChanged: [before: RoomState, after: RoomState];
};

/** Somebody in a room: whose seat it is, and who is told to the audit trail. */
export type Sitter = {
  readonly sessionId: SessionId;
  readonly participantId: ParticipantId;
  readonly actor: AuditActor;
};

/** The rooms around the sessions: who sits, who speaks, who steers. */
export class Rooms {
  readonly events: TypedEmitter<RoomEvents>;
  readonly #deps: RoomsDeps;

  constructor(deps: RoomsDeps) {
    this.#deps = deps;
    this.events = new TypedEmitter(deps.report);
    deps.sessions.events.on('ended', ({ id }) => {
      this.events.emit('ended', id);
      deps.store.remove(id).catch(deps.report);
    });
    // A node that comes back, or a session that starts, has to learn who steers.
    deps.sessions.events.on('streaming', ({ id }) => {
      this.#tellController(id).catch(deps.report);
    });
  }

  /** After a restart nobody is connected; seats are kept as for any lost connection. */
  async restore(): Promise<void> {
    const at = this.#deps.now().toISOString();
    for (const { sessionId } of await this.#deps.store.load()) {
      const room = await this.#deps.store.update(sessionId, (known) => ({
        ...known,
        seats: known.seats.map((seat) => ({ ...seat, disconnectedAt: seat.disconnectedAt ?? at })),
      }));
      await this.#deps.sessions.participantsChanged(sessionId, room.seats.length);
    }
  }

  async join(
    { sessionId, participantId }: { sessionId: SessionId; participantId?: ParticipantId | undefined },
    user: User,
    actor: AuditActor,
  ): Promise<JoinedRoom> {
    const askedAt = this.#deps.now();
    const session = await this.#deps.sessions.get(sessionId);
    if (!(await this.#deps.sessions.isMember(session, user)))
      throw new AppError('access.refused', 'You are not invited to this session');
    if (!isLive(session)) throw new AppError('session.closed', 'The session is closed');
    const kept =
      participantId === undefined ? undefined : await this.#findOwnSeat(sessionId, participantId, user);
    if (kept) {
      const room = await this.#apply(sessionId, { kind: 'rejoin', participantId: kept, userId: user.id });
      return { you: kept, room: toRoomView(room) };
    }
    const id = participantIdSchema.parse(randomUUID());
    const room = await this.#apply(sessionId, {
      kind: 'join',
      seat: {
        id,
        userId: user.id,
        name: user.name,
        role: leadingRole(user),
        isOwner: session.ownerId === user.id,
        joinedAt: this.#deps.now().toISOString(),
      },
    });
    await this.#record('room.joined', { sessionId, actor });
    const { studyInstanceUID } = session;
    await this.#deps.audit.recordStudyRead({ actor, studyInstanceUID, context: `session ${sessionId}` });
    const at = this.#deps.now();
    const joinMs = at.getTime() - askedAt.getTime();
    this.events.emit('joined', { sessionId, participantId: id, at, joinMs });
    return { you: id, room: toRoomView(room) };
  }

  /** Leaving is said aloud: the seat goes at once, and the last one to leave ends the session. */
  async leave({ sessionId, participantId, actor }: Sitter): Promise<void> {
    const room = await this.#apply(sessionId, { kind: 'leave', participantId });
    await this.#record('room.left', { sessionId, actor });
    await this.#removeFromNode(sessionId, participantId);
    if (room.seats.length === 0) await this.#deps.sessions.close(sessionId, 'Everybody left', actor);
  }

  /** The connection is lost; the seat is kept. */
  async disconnect({ sessionId, participantId }: Omit<Sitter, 'actor'>): Promise<void> {
    const room = await this.#deps.store.find(sessionId);
    if (!room?.seats.some(({ id }) => id === participantId)) return;
    await this.#apply(sessionId, { kind: 'disconnect', participantId, at: this.#deps.now().toISOString() });
  }

  /** Who sits where, and what is recorded; undefined: nobody was ever in. */
  async find(sessionId: SessionId): Promise<RoomState | undefined> {
    return this.#deps.store.find(sessionId);
  }

  async all(): Promise<readonly RoomState[]> {
    return this.#deps.store.load();
  }

  /** A step of a recording; who may take it is for the caller to know. */
  async moveRecording(sessionId: SessionId, event: RecordingEvent): Promise<RoomState> {
    return this.#apply(sessionId, event);
  }

  async holdsFloor({ sessionId, participantId }: Omit<Sitter, 'actor'>): Promise<boolean> {
    return (await this.#deps.store.find(sessionId))?.floorHolder === participantId;
  }

  async requestFloor({ sessionId, participantId }: Sitter): Promise<void> {
    const room = await this.#apply(sessionId, { kind: 'request-floor', participantId });
    if (room.floorRequests.includes(participantId))
      this.events.emit('floorRequested', { sessionId, holder: room.floorHolder, participantId });
  }

  async giveFloor({ sessionId, participantId, actor }: Sitter, to: ParticipantId): Promise<void> {
    await this.#apply(sessionId, { kind: 'give-floor', from: participantId, to });
    await this.#record('room.floor-passed', { sessionId, actor }, `to ${to}`);
  }

  async takeFloor({ sessionId, participantId, actor }: Sitter): Promise<void> {
    await this.#apply(sessionId, { kind: 'take-floor', participantId });
    await this.#record('room.floor-passed', { sessionId, actor }, `to ${participantId}`);
  }

  async chat({ sessionId, participantId }: Sitter, text: string): Promise<void> {
    const known = await this.#deps.store.find(sessionId);
    const seat = known?.seats.find(({ id }) => id === participantId);
    if (!seat) throw new AppError('room.not-joined', 'Join the room first');
    const message: ChatMessage = {
      id: randomUUID(),
      participantId,
      name: seat.name,
      colour: seat.colour,
      text,
      at: this.#deps.now().toISOString(),
    };
    await this.#update(sessionId, { kind: 'chat', message });
    this.events.emit('chatted', sessionId, message);
  }

  /** Called regularly: seats that were kept long enough are given up. */
  async sweep(): Promise<void> {
    const overdue = this.#deps.now().getTime() - this.#deps.seatSeconds * 1000;
    for (const { sessionId, seats } of await this.#deps.store.load()) {
      for (const { id, userId, name, disconnectedAt } of seats) {
        if (disconnectedAt === null || Date.parse(disconnectedAt) > overdue) continue;
        await this.leave({ sessionId, participantId: id, actor: { id: userId, name, address: '' } });
      }
      if (seats.length === 0) await this.#closeDeserted(sessionId);
    }
  }

  /** A crash between the last leave and the close leaves an empty room behind. */
  async #closeDeserted(sessionId: SessionId): Promise<void> {
    const session = await this.#deps.sessions.get(sessionId);
    if (isLive(session)) await this.#deps.sessions.close(sessionId, 'Everybody left', brokerActor);
    else await this.#deps.store.remove(sessionId);
  }

  async #findOwnSeat(
    sessionId: SessionId,
    participantId: ParticipantId,
    user: User,
  ): Promise<ParticipantId | undefined> {
    const room = await this.#deps.store.find(sessionId);
    return room?.seats.find(({ id, userId }) => id === participantId && userId === user.id)?.id;
  }

  async #apply(sessionId: SessionId, event: RoomEvent): Promise<RoomState> {
    const { before, after } = await this.#update(sessionId, event);
    this.events.emit('changed', toRoomView(after));
    if (before.recording !== after.recording) this.events.emit('recordingChanged', before, after);
    if (before.floorHolder !== after.floorHolder) this.#tellController(sessionId).catch(this.#deps.report);
    if (before.seats.length !== after.seats.length)
      await this.#deps.sessions.participantsChanged(sessionId, after.seats.length);
    return after;
  }

  async #update(sessionId: SessionId, event: RoomEvent): Promise<{ before: RoomState; after: RoomState }> {
    let before = emptyRoom(sessionId);
    const after = await this.#deps.store.update(sessionId, (room) => {
      before = room;
      const next = transitionRoom(room, event);
      if (isRoomRejection(next)) throw new AppError(next.code, next.reason);
      return next;
    });
    return { before, after };
  }

  async #tellController(sessionId: SessionId): Promise<void> {
    const session = await this.#deps.sessions.get(sessionId);
    if (session.state !== 'streaming' || session.nodeId === null || !this.#deps.nodes.hasLink(session.nodeId))
      return;
    const room = await this.#deps.store.find(sessionId);
    const participantId = room?.floorHolder ?? null;
    await this.#deps.nodes.command(session.nodeId, 'session.set-controller', { sessionId, participantId });
  }

  async #removeFromNode(sessionId: SessionId, participantId: ParticipantId): Promise<void> {
    const { nodeId, state } = await this.#deps.sessions.get(sessionId);
    if (nodeId === null || state !== 'streaming' || !this.#deps.nodes.hasLink(nodeId)) return;
    try {
      await this.#deps.nodes.command(nodeId, 'session.remove-participant', { sessionId, participantId });
    } catch (error) {
      // The picture of one who left ends with the transport's own timeout then.
      this.#deps.report(error);
    }
  }

  async #record(
    action: 'room.joined' | 'room.left' | 'room.floor-passed',
    { sessionId, actor }: Pick<Sitter, 'sessionId' | 'actor'>,
    detail = '',
  ): Promise<void> {
    await this.#deps.audit.record({ action, actor, objectType: 'session', objectId: sessionId, detail });
  }
}
