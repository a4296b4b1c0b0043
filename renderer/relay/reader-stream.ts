import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  viewerMessageSchema,
  type DisplayEvent,
  type ParticipantId,
  type ReaderMessage,
  type SessionId,
  type SessionPart,
  toProblem,
  type StreamResponse,
  type TransferRequest,
  type TransferResponse,
  type TransferRights,
  type ViewerMessage,
} from '@medusa/protocol';
import { RelayConnection } from './relay-connection.ts';
import { secretTls } from './secret-tls.ts';

/** What is of no use to a viewer that comes later. */
const passing: ReadonlySet<DisplayEvent['kind']> = new Set(['frame', 'statistics', 'resizing']);

type Events = {
  'keyframe-wanted': [layer: 'main'];
  bitrate: [kbps: number];
  /** Never told: who shows the picture has it in one layer. */
  'weak-bitrate': [kbps: null];
  input: [participantId: ParticipantId, message: Uint8Array];
  'participant-gone': [participantId: ParticipantId];
  /** Of the clipboard of the display; the listener answers. */
  transfer: [
    asker: { readonly participantId: ParticipantId; readonly rights: TransferRights },
    request: TransferRequest,
    answer: (response: Promise<TransferResponse>) => void,
  ];
  /** Who steers, as the viewer tells. */
  controller: [participantId: ParticipantId | null];
  /** The viewer cannot be reached any more. */
  lost: [];
};

const retryMs = 500;
const connectMs = 5_000;
/** A viewer that is away for longer is gone. */
export const mostAwayMs = 20_000;
/** More than this waits only when the link is slower than the picture: then pictures are left out, and not sent late. */
const mostBacklogBytes = 150_000;

/** What stands in for the media of a session that is seen elsewhere: the one connection to its viewer, made again when it breaks. */
export class ReaderStream implements AsyncDisposable {
  readonly events: TypedEmitter<Events>;
  readonly display = { announce: (event: DisplayEvent): void => this.#announce(event) };
  readonly #sessionId: SessionId;
  readonly #part: Extract<SessionPart, { role: 'reader' }>;
  readonly #report: (error: unknown) => void;
  /** The latest of each kind of state, for a connection that is made anew. */
  readonly #state = new Map<DisplayEvent['kind'], DisplayEvent>();
  #connection: RelayConnection<ViewerMessage, ReaderMessage> | undefined;
  #socket: TLSSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #awaySinceMs: number | undefined = performance.now();
  #isShown = false;
  #isLeavingOut = false;
  #isClosed = false;
  #kbps: number;
  #watching = 0;

  constructor(options: {
    readonly sessionId: SessionId;
    readonly part: Extract<SessionPart, { role: 'reader' }>;
    readonly kbps: number;
    readonly report: (error: unknown) => void;
  }) {
    this.#sessionId = options.sessionId;
    this.#part = options.part;
    this.#kbps = options.kbps;
    this.#report = options.report;
    this.events = new TypedEmitter(options.report);
    this.#connect();
  }

  /** They are the viewer's: the broker is told of them there. */
  get participantIds(): ParticipantId[] {
    return [];
  }

  get connectedParticipants(): number {
    return this.#watching;
  }

  get targetKbps(): number {
    return this.#kbps;
  }

  push(accessUnit: { readonly bytes: Uint8Array; readonly rtpTimestamp: number }): void {
    const connection = this.#connection;
    if (!connection) return;
    if (connection.backlogBytes > mostBacklogBytes) {
      this.#isLeavingOut = true;
      return;
    }
    if (this.#isLeavingOut) {
      // What comes now builds upon a picture that was left out.
      this.#isLeavingOut = false;
      this.events.emit('keyframe-wanted', 'main');
      return;
    }
    connection.show(accessUnit);
  }

  /** The application shows its first picture. */
  shown(): void {
    this.#isShown = true;
    this.#connection?.say({ kind: 'shown' });
  }

  async answer(): Promise<StreamResponse> {
    throw new AppError('stream.unknown', 'The picture of this session is at its viewing node');
  }

  removeParticipant(): void {
    // The viewer knows who they are.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#connection?.[Symbol.dispose]();
    this.#socket?.destroy();
  }

  #announce(event: DisplayEvent): void {
    if (!passing.has(event.kind)) this.#state.set(event.kind, event);
    // Only the viewer knows who steers.
    if (event.kind !== 'controller') this.#connection?.say({ kind: 'display', event });
  }

  #connect(): void {
    const { host, port, relayKey } = this.#part;
    const socket = connect({
      ...secretTls,
      ...{ host, port, timeout: connectMs },
      ...(isIP(host) === 0 && { servername: host }),
      pskCallback: () => ({ identity: this.#sessionId, psk: Buffer.from(relayKey, 'base64') }),
      checkServerIdentity: () => undefined,
    });
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('timeout', () => socket.destroy());
    socket.on('close', () => this.#away());
    socket.on('secureConnect', () => this.#arrived(socket));
  }

  #arrived(socket: TLSSocket): void {
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, 5_000);
    this.#awaySinceMs = undefined;
    const connection = new RelayConnection<ViewerMessage, ReaderMessage>(socket, {
      heard: viewerMessageSchema,
      report: this.#report,
    });
    connection.events.on('message', (message) => this.#heed(message));
    this.#connection = connection;
    for (const event of this.#state.values())
      if (event.kind !== 'controller') connection.say({ kind: 'display', event });
    if (this.#isShown) connection.say({ kind: 'shown' });
    this.events.emit('keyframe-wanted', 'main');
  }

  #away(): void {
    this.#connection = undefined;
    if (this.#isClosed) return;
    this.#awaySinceMs ??= performance.now();
    if (performance.now() - this.#awaySinceMs > mostAwayMs) this.events.emit('lost');
    else this.#retry = setTimeout(() => this.#connect(), retryMs);
  }

  #transfer(message: Extract<ViewerMessage, { kind: 'transfer' }>): void {
    const { number, participantId, rights, request } = message;
    const connection = this.#connection;
    const tell = (outcome: Extract<ReaderMessage, { kind: 'transferred' }>['outcome']): void =>
      connection?.say({ kind: 'transferred', number, outcome });
    this.events.emit('transfer', { participantId, rights }, request, (response) => {
      response.then(
        (given) => tell({ response: given }),
        (error: unknown) => tell({ problem: toProblem(error, `urn:uuid:${randomUUID()}`) }),
      );
    });
  }

  #heed(message: ViewerMessage): void {
    switch (message.kind) {
      case 'keyframe':
        this.events.emit('keyframe-wanted', 'main');
        break;
      case 'bitrate':
        this.#kbps = message.kbps;
        this.events.emit('bitrate', message.kbps);
        break;
      case 'input':
        this.events.emit('input', message.participantId, Buffer.from(message.bytes, 'base64'));
        break;
      case 'controller':
        this.events.emit('controller', message.participantId);
        break;
      case 'transfer':
        this.#transfer(message);
        break;
      case 'gone':
        this.events.emit('participant-gone', message.participantId);
        break;
      case 'watched':
        this.#watching = message.connected;
        break;
    }
  }
}
