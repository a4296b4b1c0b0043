import {
  AppError,
  encodeInput,
  type DisplayEvent,
  type InputEvent,
  type ParticipantId,
  type PictureLayer,
} from '@medusa/protocol';
import { reportFault } from '../core/report.ts';
import { Store } from '../core/store.ts';
import { ArrivalTeller, type ShownFrame } from './arrival-teller.ts';
import { readDisplayEvent } from './display-event.ts';
import { DisplayState } from './display-state.ts';
import { LatencyMatcher, type LatencySample } from './latency-matcher.ts';
import { Mending } from './mending.ts';
import {
  closeNegotiated,
  isConnected,
  negotiate,
  restartIce,
  startMedia,
  VideoRefusal,
  type AskStream,
  type Negotiated,
} from './negotiate.ts';
import { StillPicture } from './still-picture.ts';
import { canvasSurface } from './still-surface.ts';
import { PathWatch, receivedIn, type PathState } from './path-watch.ts';
import { Preparation } from './preparation.ts';
import type { StreamStatistics } from './statistics.ts';
import type { TransportKind } from './transport-kind.ts';
import { TransportSwitch } from './transport-switch.ts';
import { VideoChanger } from './video-changer.ts';
import type { VideoListeners, VideoTransport } from './video-transport.ts';

/**
 * `negotiating` until the first picture may come; `live` while media flows; `mending` while the path to the render
 * node is broken: the last picture stays; `moving` while the session is opened on another node, until that one's first picture;
 * `stopped` after `close`.
 */
export type PictureState = 'negotiating' | 'live' | 'mending' | 'moving' | 'stopped';

export type PictureStep = 'transport' | 'consume' | 'input' | 'first-frame';

type Unsent = InputEvent extends infer Event
  ? Event extends InputEvent
    ? Omit<Event, 'sequence'>
    : never
  : never;
export type UnsentInput = Unsent;

type Options = {
  readonly ask: AskStream;
  /** Calls back when asking makes sense (again). */
  readonly whenOnline: (act: () => void) => Disposable;
  readonly noteStep: (step: PictureStep) => void;
  /** Told what is found out of the path to the node. */
  readonly tellPath: (state: PathState) => void;
  /** How the picture is to come, whatever is measured. */
  readonly transport: TransportKind | undefined;
  /** What this device's check found that its path carries; undefined: it was not checked. */
  readonly pathKbps: number | undefined;
};

/** Waited for a path to come back by itself before it is mended. */
const patienceMs = 1_500;
const keptSamples = 500;

/**
 * The receiving end of one streamed session: the video, the input channels, the display's events, and their repair.
 * A lost link to the broker does not touch it: media flows between browser and render node.
 */
export class Picture {
  readonly state = new Store<PictureState>('negotiating');
  readonly video = new Store<VideoTransport | null>(null);
  /** `weak`: the node found that the path to this viewer does not carry what others get. */
  readonly layer = new Store<PictureLayer>('main');
  readonly display = new DisplayState();
  readonly statistics = new Store<StreamStatistics | null>(null);
  readonly latencySamples = new Store<readonly LatencySample[]>([]);
  readonly fault = new Store<unknown>(null);
  /** Lies over the video while its still is verified. */
  readonly stillCanvas = document.createElement('canvas');
  readonly still: StillPicture;

  readonly #options: Options;
  readonly #latency = new LatencyMatcher();
  readonly #arrivals = new ArrivalTeller((message) => {
    const channel = this.#negotiated?.arrivals;
    if (channel?.readyState === 'open') channel.send(message);
  });
  readonly #online: Disposable;
  readonly #statisticsTimer: ReturnType<typeof setInterval>;
  #you: ParticipantId | undefined;
  #negotiated: Negotiated | undefined;
  #sequence = 0;
  /** There is no node to ask for anything. */
  #isHeld = false;
  readonly #switch: TransportSwitch;
  readonly #changer = new VideoChanger({
    present: () => this.#negotiated,
    changed: (negotiated) => this.#show(negotiated),
    failed: (error) => {
      if (error instanceof VideoRefusal) this.#switch.refused(error.kind);
      this.fault.set(error);
      this.renegotiate();
    },
  });
  readonly #preparation = new Preparation(async () => this.#negotiateNow());
  readonly #path = new PathWatch({
    readReceived: async () => this.#readReceived(),
    // No input begins with a zero: the node drops it, and acknowledges it nevertheless.
    poke: () => {
      const channel = this.#negotiated?.events;
      if (channel?.readyState === 'open') channel.send(new Uint8Array(1));
    },
    tell: (state) => this.#pathFound(state),
  });
  readonly #mending = new Mending({
    isPossible: () => !this.#isHeld && this.#you !== undefined && !this.#isStopped(),
    isPathGood: () => this.#isPathGood(),
    mend: async (isAnew) => {
      if (isAnew || !this.#negotiated || this.#path.isDead) await this.#negotiate();
      else await this.#restartIce(this.#negotiated);
    },
    tell: (fault) => this.fault.set(fault),
  });

  constructor(options: Options) {
    this.#options = options;
    this.#switch = new TransportSwitch({
      wanted: options.transport,
      change: (kind) => void this.#changer.change(kind),
    });
    const surface = canvasSurface(this.stillCanvas);
    this.still = new StillPicture({ surface, askAnew: async () => options.ask({ kind: 'refine' }) });
    this.#online = options.whenOnline(() => this.#mending.soon(0));
    this.#statisticsTimer = setInterval(() => {
      this.#readStatistics().catch(reportFault);
    }, 1_000);
  }

  /** The seat in the room, told before the first negotiation and whenever it changed. A new seat needs new transports. */
  seat(you: ParticipantId): void {
    const isNew = this.#you !== undefined && this.#you !== you;
    this.#you = you;
    if (isNew) this.#mending.beginAnew();
    this.#mending.soon(0);
  }

  /** The render node lost its end, e.g. it says so by `stream.unknown`. */
  renegotiate(): void {
    this.#mending.beginAnew();
    this.#mending.soon(0);
  }

  /** The session's node is lost: the last picture stays until `moveOn`. */
  hold(): void {
    if (this.#isHeld || this.#isStopped()) return;
    this.#isHeld = true;
    this.#mending.cancel();
    this.state.set('moving');
  }

  /** Negotiates with the node of this `life` of the session while its application starts; nothing of it is shown before `moveOn`. */
  prepare(life: string): void {
    if (this.#isHeld && !this.#isStopped()) this.#preparation.begin(life);
  }

  /** The session streams from another node, in this `life`. */
  async moveOn(life: string): Promise<void> {
    const prepared = await this.#preparation.take(life);
    this.#isHeld = false;
    this.display.startAnew();
    if (!this.#isStopped()) this.state.set('moving');
    this.#path.startAnew();
    if (!prepared) {
      this.renegotiate();
      return;
    }
    this.#take(prepared.negotiated);
    for (const message of prepared.told) this.#takeDisplayEvent(message);
    // Whatever fails here is left, and all is negotiated anew.
    await startMedia(this.#options.ask, prepared.negotiated).catch(() => this.renegotiate());
  }

  /** Finds out at once whether the path is alive, and tells it. */
  checkPath(): void {
    if (!this.#isHeld && !this.#isStopped()) this.#path.check().catch(reportFault);
  }

  /** The way through the network is another one now: nothing is waited for. */
  pathChanged(): void {
    if (!this.#negotiated || this.#isHeld) return;
    // What its data channels lost meanwhile they try again ever more seldom: new ones are sooner.
    if (this.#path.isDead) this.renegotiate();
    else this.#restartIce(this.#negotiated).catch(() => this.#mending.soon(0));
  }

  /** The page was asleep, and frames may have passed by that later ones build upon. */
  wake(): void {
    const consumerId = this.#negotiated?.video.id;
    if (consumerId === undefined || this.#isHeld) return;
    this.checkPath();
    // Where the path is broken too, its repair asks for one.
    this.#options.ask({ kind: 'resume', consumerId }).catch(() => undefined);
  }

  /** True if the event was handed to the network. `at` is when the user did it, on the page's clock. */
  sendInput(event: UnsentInput, at: number): boolean {
    const channel = event.kind === 'move' ? this.#negotiated?.moves : this.#negotiated?.events;
    if (channel?.readyState !== 'open') return false;
    // Moves may be dropped at the sender too: a full buffer means that a newer one will follow.
    if (event.kind === 'move' && channel.bufferedAmount > 4_096) return false;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#latency.sent(this.#sequence, at);
    channel.send(encodeInput({ ...event, sequence: this.#sequence }));
    this.still.inputSent(event);
    return true;
  }

  /** Called for each frame that the browser put on screen; `at` as handed to the compositor, on the page's clock. */
  frameShown(frame: ShownFrame, at: number): void {
    const { rtpTimestamp } = frame;
    this.#arrivals.take(frame);
    this.#options.noteStep('first-frame');
    if (this.#isHeld) return;
    this.#path.heard();
    this.#switch.frameShown();
    if (this.state.get() !== 'mending') this.state.set('live');
    this.#addSamples(this.#latency.shown(rtpTimestamp, at));
    this.still.frameShown(rtpTimestamp);
  }

  close(): void {
    if (this.state.get() === 'stopped') return;
    this.state.set('stopped');
    this.#online[Symbol.dispose]();
    clearInterval(this.#statisticsTimer);
    this.#arrivals[Symbol.dispose]();
    this.#mending.cancel();
    this.#path[Symbol.dispose]();
    this.#preparation.drop();
    if (this.#negotiated) closeNegotiated(this.#negotiated);
    this.#negotiated = undefined;
    this.video.set(null);
    this.still.close();
  }

  async #negotiate(): Promise<void> {
    const negotiated = await this.#negotiateNow();
    await startMedia(this.#options.ask, negotiated).catch((error: unknown) => {
      closeNegotiated(negotiated);
      throw error;
    });
    this.#take(negotiated);
  }

  async #negotiateNow(): Promise<Negotiated> {
    return negotiate(this.#options.ask, {
      noteStep: this.#options.noteStep,
      kinds: this.#switch.order,
      pathKbps: this.#options.pathKbps,
      refused: (kind) => this.#switch.refused(kind),
      listen: (id) => this.#listen(id),
    });
  }

  #take(negotiated: Negotiated): void {
    const before = this.#negotiated;
    if (this.#isStopped()) {
      closeNegotiated(negotiated);
      return;
    }
    this.#mending.begun();
    this.#negotiated = negotiated;
    this.#path.startAnew();
    this.#latency.reset();
    this.still.reset();
    this.#watch(negotiated);
    this.#show(negotiated);
    if (this.state.get() !== 'moving') this.state.set(before ? 'live' : 'negotiating');
    if (before) closeNegotiated(before);
  }

  #show({ video }: Negotiated): void {
    this.#switch.began(video);
    this.video.set(video);
    this.layer.set(video.layer);
  }

  #listen(id: string): VideoListeners {
    const ifPresent = (act: (video: VideoTransport) => void): void => {
      const video = this.#negotiated?.video;
      if (video?.id === id && !this.#isStopped() && !this.#isHeld) act(video);
    };
    return {
      ended: () => ifPresent(() => this.renegotiate()),
      failed: (error) => {
        reportFault(error);
        ifPresent(({ kind }) => this.#switch.broke(kind));
      },
      layerChanged: (layer) => ifPresent(() => this.layer.set(layer)),
    };
  }

  async #restartIce(negotiated: Negotiated): Promise<void> {
    await restartIce(this.#options.ask, negotiated);
    // If new credentials do not help in time, all is built anew.
    setTimeout(() => {
      if (this.#negotiated !== negotiated || this.#isPathGood()) return;
      this.renegotiate();
    }, 4 * patienceMs);
  }

  #watch(negotiated: Negotiated): void {
    for (const transport of negotiated.transports)
      transport.on('connectionstatechange', (connection) => {
        if (this.#negotiated !== negotiated || this.#isStopped() || this.state.get() === 'moving') return;
        if (this.#isPathGood()) this.state.set('live');
        else if (connection === 'failed' || connection === 'disconnected') {
          this.state.set('mending');
          this.#mending.soon(connection === 'failed' ? 0 : patienceMs);
        }
      });
    negotiated.displayEvents.removeAllListeners('message');
    negotiated.displayEvents.on('message', (message: unknown) => this.#takeDisplayEvent(message));
    negotiated.still.on('message', (message: unknown) => {
      if (this.#negotiated === negotiated && message instanceof ArrayBuffer)
        this.still.take(new Uint8Array(message));
    });
    const lost = (): void => {
      if (this.#negotiated === negotiated && !this.#isStopped() && !this.#isHeld) this.renegotiate();
    };
    negotiated.displayEvents.on('close', lost);
  }

  #isPathGood(): boolean {
    const transports = this.#negotiated?.transports ?? [];
    return (
      !this.#path.isDead &&
      transports.length > 0 &&
      transports.every(
        ({ connectionState }) => !['failed', 'disconnected', 'closed'].includes(connectionState),
      )
    );
  }

  #isStopped(): boolean {
    return this.state.get() === 'stopped';
  }

  #pathFound(state: PathState): void {
    if (this.#isHeld || this.#isStopped()) return;
    if (state === 'dead' && this.#negotiated && this.state.get() !== 'moving') this.state.set('mending');
    if (state === 'alive' && this.state.get() === 'mending' && this.#isPathGood()) this.state.set('live');
    this.#options.tellPath(state);
  }

  async #readReceived(): Promise<number | undefined> {
    if (!this.#negotiated) return undefined;
    return receivedIn(await Promise.all(this.#negotiated.transports.map(async (each) => each.getStats())));
  }

  #takeDisplayEvent(message: unknown): void {
    this.#path.heard();
    const event = readDisplayEvent(message);
    if (!event) {
      reportFault(new AppError('request.invalid', 'A display event does not fit its schema'));
      return;
    }
    if (event.kind === 'frame') this.#noteFrame(event);
    else if (event.kind === 'layer') this.#changer.follow(event.layer).catch(reportFault);
    else this.display.take(event);
    if (event.kind === 'statistics') this.#switch.framesSent(event.framesPerSecond);
  }

  #noteFrame(event: Extract<DisplayEvent, { kind: 'frame' }>): void {
    if (event.participantId !== this.#you) return;
    const sample = this.#latency.noted(event);
    if (sample) this.#addSamples([sample]);
  }

  #addSamples(samples: readonly LatencySample[]): void {
    if (samples.length === 0) return;
    this.#switch.measured(samples);
    this.latencySamples.update((known) => [...known, ...samples].slice(-keptSamples));
  }

  async #readStatistics(): Promise<void> {
    const present = this.#negotiated;
    if (!present || this.#isHeld) return;
    const { video } = present;
    const statistics = await video.readStatistics();
    if (this.#negotiated?.video !== video) return;
    if (statistics) this.statistics.set(statistics);
    const isAlive = isConnected(present) && !this.#path.isDead;
    this.#switch.look(video.kind, { isAlive, roundTripMs: statistics?.roundTripMs ?? null });
  }
}
