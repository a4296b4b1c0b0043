import {
  answerRecordingSchema,
  AppError,
  chatRequestSchema,
  giveFloorSchema,
  joinRoomSchema,
  pathReportSchema,
  pointerSchema,
  sessionIdSchema,
  streamRequestSchema,
  streamResponseSchema,
  transferRequestSchema,
  type JoinedRoom,
  type Role,
  type StreamRequest,
  type StreamResponse,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import { z } from 'zod';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import { hasAnyRole, type User, type VerifyToken } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { brokerPlace, userPlace, type LinkBook } from '../placement/index.ts';
import type { Provisioning } from '../provision/index.ts';
import type { Recordings } from '../recording/index.ts';
import type { Rooms, Sitter } from '../room/index.ts';
import { isRecovering, type Sessions, type Transfers } from '../session/index.ts';
import type { StudyIndex } from '../study/index.ts';
import { answering, type Answering } from './ack.ts';
import { announce, audience, readSnapshot, type ClientNamespace, type ClientSocket } from './audience.ts';
import { watchRoundTrip } from './round-trip.ts';

type ClientNamespaceDeps = {
  readonly verify: VerifyToken;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly recordings: Recordings;
  readonly nodes: NodeRegistry;
  readonly studies: StudyIndex;
  readonly transfers: Transfers;
  readonly provisioning: Pick<Provisioning, 'events'>;
  readonly audit: AuditTrail;
  readonly links: LinkBook;
  readonly log: Logger;
};

const tokenSchema = z.object({ token: z.string().max(16_384) });
const watchSchema = z.strictObject({ sessionId: sessionIdSchema });
const worklistSize = 500;
/** 60 a second is more than any screen shows. */
const pointPauseMs = 16;

/** Browsers: their token is checked when they come, again when it is renewed, and they are sent away when it runs out. */
export function serveClients(io: Server, deps: ClientNamespaceDeps): Disposable {
  const namespace = io.of('/client') as ClientNamespace;
  const report = (error: unknown): void =>
    deps.log.error({ err: error }, 'something failed that nobody awaits');

  namespace.use((socket, next) => {
    admit(socket, deps).then(
      () => next(),
      (error: unknown) => {
        refused(deps, { id: 'anonymous', name: 'not logged in', address: addressOf(socket) }, 'token');
        next(new Error(error instanceof AppError ? error.message : 'The login could not be checked'));
      },
    );
  });
  const stack = new DisposableStack();
  const scope: Scope = { namespace, isClosing: () => stack.disposed };
  namespace.on('connection', (socket) => serveClient(scope, socket, deps));
  stack.use(announce(namespace, { ...deps, report }));
  return stack;
}

async function admit(socket: ClientSocket, deps: ClientNamespaceDeps): Promise<void> {
  const token = tokenSchema.safeParse(socket.handshake.auth).data?.token;
  if (token === undefined) throw new AppError('identity.required', 'Please log in');
  const user = await deps.verify(token);
  await deps.audit.recordLoginOnce(user.loginId, actorOf(user, socket));
  socket.data = { user };
}

type Scope = {
  readonly namespace: ClientNamespace;
  /** The broker is going down: seats are kept by the next one. */
  readonly isClosing: () => boolean;
};

function serveClient({ namespace, isClosing }: Scope, socket: ClientSocket, deps: ClientNamespaceDeps): void {
  const events = answering(socket, deps.log, (name, code) => {
    refused(deps, actorOf(socket.data.user, socket), `${code} ${name}`);
  });
  void socket.join(audience.user(socket.data.user.id));
  watchRoundTrip(socket, (rttMs) => {
    const to = userPlace(socket.data.user.id);
    deps.links.observe({ from: brokerPlace, to, measure: 'rttMs' }, rttMs);
  });
  const expiry = expireWith(socket);
  serveWatching(events, socket, deps);
  serveRoom(events, { namespace, socket }, deps);
  events.on('identity.renew', tokenSchema, async ({ token }): Promise<null> => {
    const user = await deps.verify(token);
    if (user.id !== socket.data.user.id)
      throw new AppError('identity.rejected', 'The token is of somebody else');
    socket.data.user = user;
    expiry.renew();
    return null;
  });
  socket.on('disconnect', () => {
    expiry[Symbol.dispose]();
    const { sitter } = socket.data;
    if (!sitter || isClosing() || isSeatHeldElsewhere(namespace, socket, sitter)) return;
    deps.rooms
      .disconnect(sitter)
      .catch((error: unknown) => deps.log.error({ err: error }, 'a seat could not be kept'));
  });
}

function serveWatching(events: Answering, socket: ClientSocket, deps: ClientNamespaceDeps): void {
  const { user } = socket.data;
  events.onAsk('worklist.subscribe', async () => {
    requireRole(user, ['radiologist', 'admin']);
    const context = { actor: actorOf(user, socket), studyInstanceUID: '*', context: 'worklist' };
    await deps.audit.recordStudyRead(context);
    await socket.join(audience.worklist);
    return (await deps.studies.search({ limit: worklistSize, offset: 0 })).studies;
  });
  events.onAsk('admin.subscribe', async () => {
    requireRole(user, ['admin']);
    await socket.join(audience.admin);
    return readSnapshot(deps);
  });
  events.on('session.watch', watchSchema, async ({ sessionId }) => {
    const record = await deps.sessions.getFor(sessionId, user);
    await socket.join(audience.session(sessionId));
    return deps.sessions.view(record);
  });
}

type InNamespace = { readonly namespace: ClientNamespace; readonly socket: ClientSocket };

function serveRoom(events: Answering, { namespace, socket }: InNamespace, deps: ClientNamespaceDeps): void {
  const { rooms, recordings } = deps;
  events.on('room.join', joinRoomSchema, async (request): Promise<JoinedRoom> => {
    const actor = actorOf(socket.data.user, socket);
    const joined = await rooms.join(request, socket.data.user, actor);
    const { sitter } = socket.data;
    // One socket sits on one seat: who joins anew without the old seat gives that up.
    if (sitter && sitter.participantId !== joined.you) await leaveSeat(socket, sitter, rooms);
    socket.data.sitter = { sessionId: request.sessionId, participantId: joined.you, actor };
    await socket.join([audience.session(request.sessionId), audience.seat(joined.you)]);
    const session = await deps.sessions.get(request.sessionId);
    const transfers = deps.transfers.rightsOf(session, socket.data.user.roles);
    const mayRecord = recordings.rightOf(socket.data.user);
    return { ...joined, transfers, ...(mayRecord !== null && { mayRecord }) };
  });
  events.onAsk('room.leave', async () => {
    await leaveSeat(socket, sitterOf(socket), rooms);
    return null;
  });
  events.on('room.chat', chatRequestSchema, async ({ text }) => {
    await rooms.chat(sitterOf(socket), text);
    return null;
  });
  events.onAsk('room.request-floor', async () => {
    await rooms.requestFloor(sitterOf(socket));
    return null;
  });
  events.on('room.give-floor', giveFloorSchema, async ({ participantId }) => {
    await rooms.giveFloor(sitterOf(socket), participantId);
    return null;
  });
  events.onAsk('room.take-floor', async () => {
    await rooms.takeFloor(sitterOf(socket));
    return null;
  });
  events.onAsk('room.record', async () => {
    await recordings.ask(sitterOf(socket), socket.data.user);
    return null;
  });
  events.on('room.answer-recording', answerRecordingSchema, async ({ agrees }) => {
    await recordings.answer(sitterOf(socket), agrees);
    return null;
  });
  events.onAsk('room.stop-recording', async () => {
    await recordings.stop(sitterOf(socket));
    return null;
  });
  events.onTold('room.point', pointerSchema, (pointer) => {
    const { sitter, lastPointAt = 0 } = socket.data;
    const at = performance.now();
    // A pointer that goes away is always told.
    if (!sitter || (pointer !== null && at - lastPointAt < pointPauseMs)) return;
    socket.data.lastPointAt = at;
    const { sessionId, participantId } = sitter;
    const others = namespace.to(audience.session(sessionId)).except(audience.seat(participantId));
    others.volatile.emit('room.pointed', { participantId, pointer });
  });
  events.on('stream.path', pathReportSchema, async (report) => {
    const { sessionId, participantId } = sitterOf(socket);
    const holdsFloor = await rooms.holdsFloor({ sessionId, participantId });
    return deps.sessions.pathTold(sessionId, { participantId, holdsFloor }, report);
  });
  events.on('transfer.request', transferRequestSchema, async (request) => {
    const { sessionId, participantId, actor } = sitterOf(socket);
    const session = await deps.sessions.get(sessionId);
    const asker = { session, participantId, actor, roles: socket.data.user.roles };
    return deps.transfers.carryOut(asker, request);
  });
  events.on('stream.request', streamRequestSchema, async (request) => relay(sitterOf(socket), request, deps));
}

/** To the node of the room's session; the broker looks at nothing but who asks. */
async function relay(
  { sessionId, participantId }: Sitter,
  request: StreamRequest,
  { sessions, nodes, recordings }: ClientNamespaceDeps,
): Promise<StreamResponse> {
  await recordings.requireConsent({ sessionId, participantId });
  const session = await sessions.get(sessionId);
  const { nodeId, state } = session;
  // Who waits for another node prepares its path while the application starts there.
  const isOpen = state === 'streaming' || (state === 'starting' && isRecovering(session));
  if (nodeId === null || !isOpen) throw new AppError('stream.unknown', `The session is ${state}`);
  const answer = await nodes.command(nodeId, 'stream.request', { sessionId, participantId, request });
  return streamResponseSchema.parse(answer);
}

async function leaveSeat(socket: ClientSocket, sitter: Sitter, rooms: Rooms): Promise<void> {
  delete socket.data.sitter;
  await socket.leave(audience.seat(sitter.participantId));
  await socket.leave(audience.session(sitter.sessionId));
  await rooms.leave(sitter);
}

/** After a quick reconnection the old socket's end may be noticed only now. */
function isSeatHeldElsewhere(
  namespace: ClientNamespace,
  socket: ClientSocket,
  { participantId }: Sitter,
): boolean {
  return Array.from(namespace.sockets.values()).some(
    (other) => other.id !== socket.id && other.data.sitter?.participantId === participantId,
  );
}

function sitterOf({ data }: ClientSocket): Sitter {
  if (!data.sitter) throw new AppError('room.not-joined', 'Join the room first');
  return data.sitter;
}

function requireRole(user: User, roles: readonly Role[]): void {
  if (!hasAnyRole(user, roles)) throw new AppError('access.refused', 'Your role does not allow this');
}

function expireWith(socket: ClientSocket): Disposable & { renew(): void } {
  let timer: NodeJS.Timeout | undefined;
  const renew = (): void => {
    clearTimeout(timer);
    const leftMs = socket.data.user.expiresAt.getTime() - Date.now();
    timer = setTimeout(() => socket.disconnect(true), Math.min(Math.max(0, leftMs), 2 ** 31 - 1));
  };
  renew();
  return { renew, [Symbol.dispose]: () => clearTimeout(timer) };
}

function addressOf(socket: ClientSocket): string {
  return socket.handshake.address;
}

function actorOf(user: User, socket: ClientSocket): AuditActor {
  return { id: user.id, name: user.name, address: addressOf(socket) };
}

function refused({ audit, log }: ClientNamespaceDeps, actor: AuditActor, detail: string): void {
  const fact = { action: 'access.refused', outcome: 'refused', actor, objectType: 'socket' } as const;
  audit.recordOncePerMinute({ ...fact, objectId: '/client', detail }).catch((error: unknown) => {
    log.error({ err: error }, 'a refusal could not be audited');
  });
}
