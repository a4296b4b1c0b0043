import type { Logger } from 'pino';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  type NodeSessionReport,
  type ParticipantId,
  type ReaderMessage,
  type SessionId,
  type SessionPart,
  type StartSession,
  type StreamRequest,
  type StreamResponse,
  type TransferRequest,
  type TransferResponse,
  type ViewerMessage,
} from '@medusa/protocol';
import type { RecordedPicture } from '../recording/index.ts';
import { type FromReader, mostAwayMs, type RelayServer, TransferAsking } from '../relay/index.ts';
import type { SessionStream, Sfu } from '../sfu/index.ts';
import type { RunningSession, SessionEvents, TransferAsker } from './running-session.ts';
import type { FrameStatistics } from './session-statistics.ts';

export type ViewingDeps = {
  readonly sfu: Sfu;
  readonly relay: RelayServer;
  readonly settings: { readonly initialKbps: number; readonly launchTimeoutMs: number };
  readonly log: Logger;
};

const lookIntervalMs = 1_000;

/**
 * The viewing part of a session that is drawn elsewhere, next to its data: takes the pictures that its reader delivers, shows them to the
 * participants, and tells the reader what they do. No application runs here, and no study comes here.
 */
export class ViewingSession implements RunningSession {
  readonly id: SessionId;
  readonly incarnation: number;
  readonly events: TypedEmitter<SessionEvents>;
  readonly #pictures: TypedEmitter<{ picture: [picture: RecordedPicture] }>;
  readonly #deps: ViewingDeps;
  readonly #log: Logger;
  readonly #resources = new AsyncDisposableStack();
  readonly #startedAtMs = performance.now();
  readonly #starting: Promise<void>;
  readonly #transfers = new TransferAsking();
  #stream: SessionStream | undefined;
  #reader: FromReader | undefined;
  #controller: ParticipantId | null = null;
  #state: NodeSessionReport['state'] = 'starting';
  #alone: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #statistics: FrameStatistics = { framesPerSecond: 0, sentKbps: 0, encodeMs: 0 };

  constructor(
    { sessionId: id, incarnation }: Pick<StartSession, 'sessionId' | 'incarnation'>,
    part: Extract<SessionPart, { role: 'viewer' }>,
    deps: ViewingDeps,
  ) {
    this.id = id;
    this.incarnation = incarnation ?? 1;
    this.#deps = deps;
    this.#log = deps.log.child({ sessionId: id });
    this.events = new TypedEmitter(this.#report);
    this.#pictures = new TypedEmitter(this.#report);
    this.#starting = this.#open(part);
    void this.#starting.catch((error: unknown) => {
      this.#report(error);
      this.#fail('The viewing part could not be started');
    });
  }

  get report(): NodeSessionReport {
    const participants = this.#stream?.participantIds ?? [];
    const { id: sessionId, incarnation } = this;
    return { sessionId, incarnation, state: this.#state, participants, controller: this.#controller };
  }

  get statistics(): FrameStatistics {
    return this.#statistics;
  }

  get connectedParticipants(): number {
    return this.#stream?.connectedParticipants ?? 0;
  }

  renewStudyToken(): void {
    // It has none.
  }

  async answer(participantId: ParticipantId, request: StreamRequest): Promise<StreamResponse> {
    if (!this.#stream) throw new AppError('node.unreachable', 'The session has no picture now');
    return this.#stream.answer(participantId, request);
  }

  /** The display is the reader's, and so are its rules. */
  async transfer(asker: TransferAsker, request: TransferRequest): Promise<TransferResponse> {
    const reader = this.#reader;
    if (!reader) throw new AppError('node.unreachable', 'The reading part is away');
    return this.#transfers.ask({ ...asker, request }, (message) => reader.say(message));
  }

  watchPictures(listener: (picture: RecordedPicture) => void): Disposable {
    if (!this.#reader) throw new AppError('node.unreachable', 'The session has no picture now');
    return this.#pictures.on('picture', listener);
  }

  requestKeyframe(): void {
    this.#say({ kind: 'keyframe' });
  }

  removeParticipant(participantId: ParticipantId): void {
    this.#stream?.removeParticipant(participantId);
  }

  setController(participantId: ParticipantId | null): void {
    this.#controller = participantId;
    this.#stream?.display.announce({ kind: 'controller', participantId });
    this.#say({ kind: 'controller', participantId });
  }

  async close(reason: string): Promise<void> {
    this.#closing ??= this.#teardown({ kind: 'closed', reason });
    return this.#closing;
  }

  readonly #report = (error: unknown): void => {
    this.#log.warn({ err: error }, 'session was disturbed');
  };

  #fail(detail: string): void {
    if (this.#closing) return;
    const code = this.#state === 'starting' ? 'session.start-failed' : 'node.unreachable';
    this.#closing = this.#teardown({ kind: 'failed', code, detail });
    void this.#closing.catch(this.#report);
  }

  async #teardown(
    ending: { kind: 'closed'; reason: string } | { kind: 'failed'; code: string; detail: string },
  ) {
    this.#state = 'closing';
    clearTimeout(this.#alone);
    await this.#starting.catch(() => undefined);
    clearTimeout(this.#alone);
    this.#stream = undefined;
    this.#transfers.giveUp();
    await this.#resources.disposeAsync();
    this.#log.info({ ending: ending.kind }, 'viewing part closed');
    this.events.emit('told', ending);
    this.events.emit('closed');
  }

  async #open(part: Extract<SessionPart, { role: 'viewer' }>): Promise<void> {
    const { sfu, relay, settings } = this.#deps;
    const stream = this.#resources.use(
      await sfu.openStream({ kbps: settings.initialKbps, hasWeakLayer: false }),
    );
    this.#stream = stream;
    stream.events.on('keyframe-wanted', () => this.#say({ kind: 'keyframe' }));
    stream.events.on('bitrate', (kbps) => this.#say({ kind: 'bitrate', kbps }));
    stream.events.on('participant-gone', (participantId) => this.#say({ kind: 'gone', participantId }));
    stream.events.on('input', (participantId, message) => {
      const bytes = Buffer.from(message).toString('base64');
      // Of the others the reader would take nothing.
      if (participantId === this.#controller) this.#say({ kind: 'input', participantId, bytes });
    });
    let watched = -1;
    const timer = setInterval(() => {
      this.#takeStatistics(stream);
      const connected = stream.connectedParticipants;
      if (connected !== watched) this.#say({ kind: 'watched', connected });
      watched = this.#reader ? connected : -1;
    }, lookIntervalMs);
    this.#resources.defer(() => clearInterval(timer));
    const take = (reader: FromReader): void => this.#take(reader, stream);
    this.#resources.use(relay.expect(this.id, { relayKey: part.relayKey, take }));
    this.#waitAtMost(settings.launchTimeoutMs, 'The reading part did not come');
  }

  #take(reader: FromReader, stream: SessionStream): void {
    clearTimeout(this.#alone);
    this.#reader = reader;
    reader.events.on('picture', (picture) => {
      stream.push({ ...picture, layer: 'main' });
      this.#pictures.emit('picture', picture);
    });
    reader.events.on('message', (message) => this.#heed(message, stream));
    reader.events.on('closed', () => {
      if (this.#reader !== reader) return;
      this.#reader = undefined;
      this.#transfers.giveUp();
      if (!this.#closing) this.#waitAtMost(mostAwayMs, 'The reading part is gone');
    });
    this.#say({ kind: 'bitrate', kbps: stream.targetKbps });
    this.setController(this.#controller);
    if (this.#state === 'starting')
      this.#waitAtMost(this.#deps.settings.launchTimeoutMs, 'The reading part showed nothing in time');
  }

  #heed(message: ReaderMessage, stream: SessionStream): void {
    if (message.kind === 'display') stream.display.announce(message.event);
    else if (message.kind === 'transferred') this.#transfers.heed(message);
    else if (this.#state === 'starting') {
      clearTimeout(this.#alone);
      this.#state = 'streaming';
      const endMs = Math.round(performance.now() - this.#startedAtMs);
      this.events.emit('told', { kind: 'step', step: 'relay', startMs: 0, endMs });
      this.events.emit('told', { kind: 'streaming' });
    }
  }

  #takeStatistics(stream: SessionStream): void {
    const { frames, bytes } = stream.takeSent();
    const sentKbps = Math.round((bytes * 8) / lookIntervalMs);
    this.#statistics = { framesPerSecond: (frames * 1_000) / lookIntervalMs, sentKbps, encodeMs: 0 };
  }

  #waitAtMost(ms: number, detail: string): void {
    clearTimeout(this.#alone);
    this.#alone = setTimeout(() => this.#fail(detail), ms);
  }

  #say(message: ViewerMessage): void {
    this.#reader?.say(message);
  }
}
