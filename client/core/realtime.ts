import { TypedEmitter } from '@medusa/kernel';
import {
  ackSchema,
  AppError,
  chatMessageSchema,
  fromProblem,
  joinedRoomSchema,
  nodeViewSchema,
  participantIdSchema,
  parseInput,
  pathAnswerSchema,
  pointedSchema,
  provisionChangeSchema,
  roomViewSchema,
  sessionViewSchema,
  streamResponseSchema,
  studySummarySchema,
  transferResponseSchema,
  type AdminSnapshot,
  type BrokerToClient,
  type ClientToBroker,
  type JoinedRoom,
  type ParticipantId,
  type PathAnswer,
  type PathReport,
  type Pointer,
  type SessionId,
  type SessionView,
  type StreamRequest,
  type StreamResponse,
  type StudySummary,
  type TransferRequest,
  type TransferResponse,
} from '@medusa/protocol';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { reportFault } from './report.ts';
import { Store } from './store.ts';

/** `connecting` until the first connection; `offline` whenever it is lost, while socket.io tries again by itself. */
export type LinkState = 'connecting' | 'online' | 'offline';

type BrokerEvents = { [Name in keyof BrokerToClient]: Parameters<BrokerToClient[Name]> };
type RequestName = Exclude<keyof ClientToBroker, 'room.point'>;

const studiesSchema = z.array(studySummarySchema);
const adminSnapshotSchema = z.object({
  nodes: z.array(nodeViewSchema),
  sessions: z.array(sessionViewSchema),
});
const answerMs = 20_000;
const reconnectMs = 2_000;

const eventSchemas: { [Name in keyof BrokerToClient]: z.ZodType<BrokerEvents[Name][0]> } = {
  'study.changed': studiesSchema,
  'session.changed': sessionViewSchema,
  'room.changed': roomViewSchema,
  'room.chatted': chatMessageSchema,
  'room.pointed': pointedSchema,
  'room.floor-requested': z.object({ participantId: participantIdSchema }),
  'admin.changed': adminSnapshotSchema,
  'provision.changed': provisionChangeSchema,
  'stream.node-link': z.object({ isUp: z.boolean() }),
};

/** The live link to the broker. Everything that arrives is parsed; what does not fit is reported and dropped. */
export class Realtime {
  readonly state = new Store<LinkState>('connecting');
  /** Why the broker refuses the connection, if it does. */
  readonly refusal = new Store<string | null>(null);
  readonly #events = new TypedEmitter<BrokerEvents>(reportFault);
  readonly #socket: Socket;
  #reconnection: ReturnType<typeof setTimeout> | undefined;

  /** @param url Of the namespace; a path alone is one of the page's own origin. */
  constructor(url: string, accessToken: () => Promise<string>) {
    this.#socket = io(url, {
      path: '/socket.io',
      transports: ['websocket', 'polling'],
      reconnectionDelay: 300,
      reconnectionDelayMax: 3_000,
      auth: (give: (auth: object) => void) => {
        accessToken().then((token) => give({ token }), reportFault);
      },
    });
    this.#socket.on('connect', () => {
      this.refusal.set(null);
      this.state.set('online');
    });
    this.#socket.on('disconnect', (reason) => {
      this.state.set('offline');
      // socket.io does not come back by itself when the server hung up.
      if (reason === 'io server disconnect') this.#reconnectLater();
    });
    this.#socket.on('connect_error', (error) => {
      if (this.state.get() === 'online') this.state.set('offline');
      if (this.#socket.active) return;
      this.refusal.set(error.message);
      this.#reconnectLater();
    });
    for (const name of Object.keys(eventSchemas) as (keyof BrokerToClient)[]) this.#relay(name);
  }

  on<Name extends keyof BrokerEvents>(
    name: Name,
    listener: (...args: BrokerEvents[Name]) => void,
  ): Disposable {
    return this.#events.on(name, listener);
  }

  /** Calls now if the link is up, and each time it comes up again. */
  whenOnline(act: () => void): Disposable {
    const actIfOnline = (): void => {
      if (this.state.get() === 'online') act();
    };
    actIfOnline();
    const stop = this.state.subscribe(actIfOnline);
    return { [Symbol.dispose]: stop };
  }

  readonly subscribeWorklist = async (): Promise<readonly StudySummary[]> =>
    this.#request('worklist.subscribe', studiesSchema);
  readonly subscribeAdmin = async (): Promise<AdminSnapshot> =>
    this.#request('admin.subscribe', adminSnapshotSchema);
  readonly watchSession = async (sessionId: SessionId): Promise<SessionView> =>
    this.#request('session.watch', sessionViewSchema, { sessionId });
  readonly joinRoom = async (request: {
    sessionId: SessionId;
    participantId?: ParticipantId;
  }): Promise<JoinedRoom> => this.#request('room.join', joinedRoomSchema, request);
  readonly leaveRoom = async (): Promise<null> => this.#request('room.leave', z.null());
  readonly chat = async (text: string): Promise<null> => this.#request('room.chat', z.null(), { text });
  readonly requestFloor = async (): Promise<null> => this.#request('room.request-floor', z.null());
  readonly takeFloor = async (): Promise<null> => this.#request('room.take-floor', z.null());
  readonly giveFloor = async (participantId: ParticipantId): Promise<null> =>
    this.#request('room.give-floor', z.null(), { participantId });
  readonly askToRecord = async (): Promise<null> => this.#request('room.record', z.null());
  readonly answerRecording = async (agrees: boolean): Promise<null> =>
    this.#request('room.answer-recording', z.null(), { agrees });
  readonly stopRecording = async (): Promise<null> => this.#request('room.stop-recording', z.null());
  readonly streamRequest = async (request: StreamRequest): Promise<StreamResponse> =>
    this.#request('stream.request', streamResponseSchema, request);
  readonly transfer = async (request: TransferRequest): Promise<TransferResponse> =>
    this.#request('transfer.request', transferResponseSchema, request);
  readonly tellPath = async (report: PathReport): Promise<PathAnswer> =>
    this.#request('stream.path', pathAnswerSchema, report);
  readonly renewIdentity = async (token: string): Promise<null> =>
    this.#request('identity.renew', z.null(), { token });

  /** The latest wins: a pointer that cannot be sent now is not worth sending later. */
  readonly point = (pointer: Pointer): void => {
    this.#socket.volatile.emit('room.point', pointer);
  };

  async #request<Value>(name: RequestName, schema: z.ZodType<Value>, body?: unknown): Promise<Value> {
    if (!this.#socket.connected)
      throw new AppError('node.unreachable', 'There is no connection to the broker');
    const sender = this.#socket.timeout(answerMs);
    const answer: unknown =
      body === undefined ? await sender.emitWithAck(name) : await sender.emitWithAck(name, body);
    const ack = parseInput(ackSchema(schema), answer);
    if (!ack.ok) throw fromProblem(ack.problem);
    return ack.value;
  }

  #relay(name: keyof BrokerToClient): void {
    this.#socket.on(name, (payload: unknown) => {
      const parsed = eventSchemas[name].safeParse(payload);
      if (parsed.success) this.#events.emit(name, ...([parsed.data] as BrokerEvents[typeof name]));
      else reportFault(parsed.error);
    });
  }

  close(): void {
    clearTimeout(this.#reconnection);
    this.#socket.disconnect();
  }

  #reconnectLater(): void {
    clearTimeout(this.#reconnection);
    this.#reconnection = setTimeout(() => this.#socket.connect(), reconnectMs);
  }
}
