import { chown, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  type DisplayEvent,
  type NodeSessionEvent,
  type NodeSessionReport,
  type ParticipantId,
  type SessionId,
  type StartSession,
  type StreamRequest,
  type StreamResponse,
  type TransferRequest,
  type TransferResponse,
  type ViewState,
} from '@medusa/protocol';
import {
  type Confinement,
  ConfinedApplication,
  createReadingMeter,
  Gate,
  saveStudyFiles,
  type StudyAccess,
  UserLease,
} from '../application/index.ts';
import { Clipboard, fitSize, VirtualDisplay } from '../display/index.ts';
import { type Encoder, monotonicMs, type OpenEncoder, type Thrift } from '../encoder/index.ts';
import { type CursorShape, CursorWatch, InputInjector } from '../input/index.ts';
import type { RecordedPicture } from '../recording/index.ts';
import { ReaderStream } from '../relay/index.ts';
import type { Sfu } from '../sfu/index.ts';
import { resizeScreen, type WantedScreen } from './resize-screen.ts';
import type { RunningSession, SessionEvents, TransferAsker } from './running-session.ts';
import { SessionInput } from './session-input.ts';
import { type FrameStatistics, SessionStatistics } from './session-statistics.ts';
import { SessionTransfers } from './session-transfers.ts';
import { untilApplicationShows, untilFrameAfter } from './until-shown.ts';
import { type PictureStream, wirePicture } from './wire-picture.ts';

type SessionSettings = {
  readonly clientFolder: string;
  readonly chromium: string;
  readonly rendering: 'cpu' | 'webgl';
  readonly hasGpu: boolean;
  readonly framesPerSecond: number;
  readonly initialKbps: number;
  readonly launchTimeoutMs: number;
};
export type SessionDeps = {
  readonly sfu: Sfu;
  readonly confinement: Confinement;
  readonly openEncoder: OpenEncoder;
  readonly settings: SessionSettings;
  readonly log: Logger;
};
/** Where a session keeps its files, and the name of its control group. */
export type SessionPlace = { readonly folder: string; readonly controlGroup: string };

type Live = {
  readonly display: VirtualDisplay;
  readonly encoder: Encoder;
  readonly stream: PictureStream;
  readonly input: SessionInput;
  readonly transfers: SessionTransfers;
};
type Started = {
  readonly display: VirtualDisplay;
  readonly gate: Gate;
  readonly folder: string;
  readonly uid: number | null;
};

/**
 * One running workstation: display → application → encoder → stream, made in that order and closed in the reverse. It
 * is there as soon as it is asked for, and tells how its start goes on.
 */
export class Session implements RunningSession {
  readonly id: SessionId;
  readonly incarnation: number;
  readonly events: TypedEmitter<SessionEvents>;
  readonly #request: StartSession;
  readonly #place: SessionPlace;
  readonly #deps: SessionDeps;
  readonly #log: Logger;
  readonly #resources = new AsyncDisposableStack();
  readonly #aborting = new AbortController();
  readonly #startedAtMs = monotonicMs();
  readonly #launching: Promise<void>;
  readonly #statistics = new SessionStatistics();
  readonly #meter = createReadingMeter(
    (read) => this.events.emit('told', { kind: 'read', atMs: this.#sinceStart, ...read }),
    monotonicMs,
  );
  #lastView: ViewState | undefined;
  /** The last one that was whole: what a page that is started again goes on with. */
  #viewToResume: ViewState | undefined;
  #state: NodeSessionReport['state'] = 'starting';
  #studyToken: string;
  #live: Live | undefined;
  #controller: ParticipantId | null = null;
  #closing: Promise<void> | undefined;

  constructor(request: StartSession, place: SessionPlace, deps: SessionDeps) {
    this.id = request.sessionId;
    this.incarnation = request.incarnation ?? 1;
    this.#viewToResume = request.view;
    this.#request = request;
    this.#place = place;
    this.#deps = deps;
    this.#studyToken = request.studyToken;
    this.#log = deps.log.child({ sessionId: request.sessionId });
    this.events = new TypedEmitter(this.#report);
    this.#launching = this.#launch();
    void this.#launching.catch((error: unknown) => this.#fail(error));
  }

  get report(): NodeSessionReport {
    const participants = this.#live?.stream.participantIds ?? [];
    const { id: sessionId, incarnation } = this;
    return { sessionId, incarnation, state: this.#state, participants, controller: this.#controller };
  }

  get statistics(): FrameStatistics {
    return this.#statistics.latest;
  }

  get connectedParticipants(): number {
    return this.#live?.stream.connectedParticipants ?? 0;
  }

  /** Asked to start the same session again, the broker may bring a fresh token. */
  renewStudyToken(studyToken: string): void {
    this.#studyToken = studyToken;
  }

  async answer(participantId: ParticipantId, request: StreamRequest): Promise<StreamResponse> {
    return this.#required().stream.answer(participantId, request);
  }

  async transfer(asker: TransferAsker, request: TransferRequest): Promise<TransferResponse> {
    return this.#required().transfers.carryOut(asker, request);
  }

  /** What all see, but for those whose path carries less. */
  watchPictures(listener: (picture: RecordedPicture) => void): Disposable {
    return this.#required().encoder.events.on('access-unit', (unit) => {
      if (unit.layer === 'main') listener(unit);
    });
  }

  requestKeyframe(): void {
    this.#live?.encoder.requestKeyframe('main');
  }

  removeParticipant(participantId: ParticipantId): void {
    this.#live?.stream.removeParticipant(participantId);
  }

  setController(participantId: ParticipantId | null): void {
    this.#controller = participantId;
    this.#live?.input.setController(participantId);
    this.#live?.transfers.setController(participantId);
    this.#live?.stream.display.announce({ kind: 'controller', participantId });
  }

  /** Idempotent: every caller waits for the one teardown, and the first reason wins. */
  async close(reason: string): Promise<void> {
    this.#closing ??= this.#teardown({ kind: 'closed', reason });
    return this.#closing;
  }

  readonly #report = (error: unknown): void => {
    this.#log.warn({ err: error }, 'session was disturbed');
  };

  #fail(error: unknown): void {
    if (this.#closing) return;
    this.#log.error({ err: error }, 'session failed');
    const { code, message } =
      error instanceof AppError
        ? error
        : { code: 'session.start-failed', message: 'The session could not be started' };
    this.#closing = this.#teardown({ kind: 'failed', code, detail: message.slice(0, 500) });
    void this.#closing.catch(this.#report);
  }

  async #teardown(ending: NodeSessionEvent['event']): Promise<void> {
    this.#state = 'closing';
    this.#aborting.abort(new AppError('session.closed', 'The session is closing'));
    // What the launch is just making reaches the stack of resources, or is undone by the launch itself.
    await this.#launching.catch(() => undefined);
    this.#live = undefined;
    try {
      await this.#resources.disposeAsync();
    } catch (error) {
      this.#log.error({ err: error }, 'session left something behind');
    }
    this.#log.info({ ending: ending.kind }, 'session closed');
    this.events.emit('told', ending);
    this.events.emit('closed');
  }

  get #sinceStart(): number {
    return Math.round(monotonicMs() - this.#startedAtMs);
  }

  #required(): Live {
    if (!this.#live)
      throw new AppError(
        this.#closing ? 'session.closed' : 'node.unreachable',
        'The session has no picture now',
      );
    return this.#live;
  }

  async #launch(): Promise<void> {
    const { settings } = this.#deps;
    const { application } = this.#request;
    const signal = AbortSignal.any([this.#aborting.signal, AbortSignal.timeout(settings.launchTimeoutMs)]);
    const started = await this.#step('display', async () => this.#startDisplay(signal));
    const files = await this.#step('study', async () => this.#prepareStudy(started, signal));
    const isReady = untilApplicationShows(application.kind, { ...started, report: this.#report }, signal);
    // It is awaited below; a failure until then must not count as unhandled.
    isReady.catch(() => undefined);
    await this.#step('application', async () => this.#startApplication(started, files));
    await this.#step('encoder', async () => this.#startStream(started, signal));
    await this.#step('first-frame', async () => {
      await isReady;
      await untilFrameAfter(monotonicMs(), this.#required().encoder, signal);
    });
    signal.throwIfAborted();
    this.#state = 'streaming';
    this.#log.info({ startMs: Math.round(monotonicMs() - this.#startedAtMs) }, 'session is streaming');
    this.events.emit('told', { kind: 'streaming' });
  }

  async #step<Value>(step: string, work: () => Promise<Value>): Promise<Value> {
    const startMs = this.#sinceStart;
    const value = await work();
    this.#aborting.signal.throwIfAborted();
    const endMs = this.#sinceStart;
    this.events.emit('told', { kind: 'step', step, startMs, endMs });
    return value;
  }

  async #startDisplay(signal: AbortSignal): Promise<Started> {
    const { folder } = this.#place;
    const lease = this.#deps.confinement.hasOwnUsers ? this.#resources.use(await UserLease.acquire()) : null;
    const uid = lease?.uid ?? null;
    await mkdir(folder, { mode: 0o700, recursive: true });
    this.#resources.defer(async () => rm(folder, { recursive: true, force: true }));
    if (uid !== null) await chown(folder, uid, uid);
    const size = fitSize(this.#request);
    const display = this.#resources.use(
      await VirtualDisplay.create({ size, folder, uid, report: this.#report }, signal),
    );
    display.events.on('closed', (reason) => {
      if (reason === 'crashed') void this.close('The display ended').catch(this.#report);
    });
    const gate = this.#resources.use(
      await Gate.create({
        socketFile: path.join(folder, 'gate.sock'),
        uid,
        clientFolder: this.#deps.settings.clientFolder,
        study: this.#study,
        viewToResume: () => this.#viewToResume,
        report: this.#report,
      }),
    );
    gate.events.on('view', (view) => this.#forwardView(view));
    return { display, gate, folder, uid };
  }

  get #study(): StudyAccess {
    const { studyInstanceUID, dicomwebUrl } = this.#request;
    return { studyInstanceUID, dicomwebUrl, studyToken: () => this.#studyToken, meter: this.#meter };
  }

  #forwardView(view: ViewState): void {
    this.#lastView = view;
    if (view.ready) {
      this.#viewToResume = view;
      this.events.emit('view', view);
    }
    this.#live?.stream.display.announce({ kind: 'view', view });
  }

  async #prepareStudy(
    started: Started,
    signal: AbortSignal,
  ): Promise<{ folder: string; firstName: string } | null> {
    if (this.#request.application.studyAccess !== 'files') return null;
    const folder = path.join(started.folder, 'study');
    const firstName = await saveStudyFiles(this.#study, { folder, uid: started.uid }, signal);
    return { folder, firstName };
  }

  async #startApplication(
    started: Started,
    files: { folder: string; firstName: string } | null,
  ): Promise<void> {
    const { application, studyInstanceUID } = this.#request;
    const running = this.#resources.use(
      await ConfinedApplication.start({
        ...this.#deps.settings,
        ...started,
        application,
        studyInstanceUID,
        files,
        confinement: this.#deps.confinement,
        controlGroup: this.#place.controlGroup,
        gateSocketFile: path.join(started.folder, 'gate.sock'),
        report: this.#report,
      }),
    );
    running.events.on('restarted', () => this.#log.warn('application ended and was started again'));
    running.events.on('ended', (exitCode, output) => {
      this.#log.warn({ exitCode, output }, 'application ended');
      const reason = `The application ended (exit code ${exitCode})`;
      if (this.#state === 'starting') this.#fail(new AppError('session.start-failed', reason));
      else void this.close(reason).catch(this.#report);
    });
  }

  async #startStream(started: Started, signal: AbortSignal): Promise<void> {
    const { settings, openEncoder } = this.#deps;
    const { display } = started;
    const { address } = display;
    const stream = await this.#openPictureStream();
    const options = { address, xauthorityFile: display.xauthorityFile, size: display.size };
    const thrift: Thrift = this.#request.part ? 'spare' : 'plenty';
    const rates = { framesPerSecond: settings.framesPerSecond, kbps: settings.initialKbps, thrift };
    const encoder = this.#resources.use(await openEncoder({ ...options, ...rates }, this.#report, signal));
    const injector = this.#resources.use(await InputInjector.open(address, this.#report));
    const isPage = this.#request.application.kind !== 'x11';
    const gateOfPage = isPage ? started.gate : null;
    const screen = {
      display,
      encoder,
      gate: gateOfPage,
      announce: (event: DisplayEvent) => stream.display.announce(event),
    };
    const resize = async (wanted: WantedScreen): Promise<void> => resizeScreen(screen, wanted);
    const input = new SessionInput({ injector, encoder, resize, report: this.#report });
    const clipboard = this.#resources.use(await Clipboard.open(address, this.#report));
    this.#live = { display, encoder, stream, input, transfers: new SessionTransfers(clipboard) };

    this.#resources.use(
      wirePicture({ encoder, stream, input, statistics: this.#statistics, log: this.#log }),
    );
    encoder.events.on('failed', (error) => this.#fail(error));

    stream.display.announce({ kind: 'size', ...display.size });
    this.setController(this.#controller);
    if (this.#lastView) this.#forwardView(this.#lastView);
    const tellCursor = (shape: CursorShape): void => stream.display.announce(shape);
    this.#resources.use(await CursorWatch.open(address, tellCursor, this.#report));
  }

  async #openPictureStream(): Promise<PictureStream> {
    const { settings, sfu } = this.#deps;
    const { part } = this.#request;
    const kbps = settings.initialKbps;
    if (part?.role !== 'reader')
      return this.#resources.use(await sfu.openStream({ kbps, hasWeakLayer: true }));
    const stream = this.#resources.use(
      new ReaderStream({ sessionId: this.id, part, kbps, report: this.#report }),
    );
    stream.events.on('controller', (participantId) => this.setController(participantId));
    stream.events.on('transfer', (asker, request, answer) => answer(this.transfer(asker, request)));
    stream.events.on('lost', () => void this.close('The viewing part is gone').catch(this.#report));
    this.events.on('told', ({ kind }) => kind === 'streaming' && stream.shown());
    return stream;
  }
}
