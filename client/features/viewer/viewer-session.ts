import {
  AppError,
  type FrameLatency,
  type ParticipantId,
  type PathReport,
  type SessionId,
  type SessionStep,
  type SessionView,
  type TransferRequest,
  type TransferResponse,
} from '@medusa/protocol';
import { mustAgree } from '../../core/recording-consent.ts';
import { reportFault } from '../../core/report.ts';
import { Room } from '../../core/room.ts';
import { Store } from '../../core/store.ts';
import { FrameReporter } from '../../stream/frame-reporter.ts';
import { watchDevice } from '../../stream/watch-device.ts';
import type { LatencySample } from '../../stream/latency-matcher.ts';
import { Picture, type PictureStep } from '../../stream/picture.ts';
import type { PathState } from '../../stream/path-watch.ts';
import { transportKindSchema, type TransportKind } from '../../stream/transport-kind.ts';
import type { Launch, Services } from '../../ui/services.tsx';
import { loadDeviceReport } from '../device-check/index.ts';

/** While the render node has no link, the broker wants to hear now and then that its picture comes. */
const seenAgainMs = 5_000;

type ClientStep = 'room' | PictureStep;

/**
 * One session as this page follows it: watched from the launch on, joined once it streams, and received.
 * Close it when the page goes; the seat is kept by the broker for a while, so that a reload comes back.
 */
export class ViewerSession {
  readonly id: SessionId;
  readonly session: Store<SessionView | null>;
  /** Why the session cannot be shown at all. */
  readonly refusal = new Store<AppError | null>(null);
  /** When it was opened on another node after the loss of its own, as this page saw it; null: never. */
  readonly recovered = new Store<number | null>(null);
  readonly clientSteps = new Store<readonly SessionStep[]>([]);
  readonly room: Room;
  readonly picture: Picture;
  readonly launch: Launch | undefined;
  readonly #services: Services;
  readonly #stack = new DisposableStack();
  /** When the user asked for it, on the page's clock. */
  readonly #startedAt: number;
  #lastStepAt = 0;
  #isJoined = false;
  #seat: ParticipantId | undefined;
  #isKeptBack = false;
  #isNodeLinkUp = true;
  /** On which node, and in which of its lives, the session streams as far as the picture knows. */
  #streamsAt: string | undefined;

  constructor(services: Services, id: SessionId) {
    const { realtime, launches } = services;
    this.id = id;
    this.#services = services;
    this.launch = launches.get(id);
    this.#startedAt = this.launch?.requestedAt ?? performance.now();
    this.session = new Store<SessionView | null>(this.launch?.response.session ?? null);
    this.room = new Room(realtime, id, sessionStorage);
    this.#stack.defer(() => this.room.close());
    this.picture = new Picture({
      ask: realtime.streamRequest,
      whenOnline: (act) => realtime.whenOnline(act),
      noteStep: (step) => this.#noteStep(step),
      tellPath: (state) => {
        this.#tellPath(state).catch(reportFault);
      },
      transport: wantedTransport(),
      pathKbps: checkedKbps(),
    });
    this.#stack.defer(() => this.picture.close());
    this.#stack.defer(reportFrames(this.picture, async (samples) => services.api.tellFrames(id, samples)));
    this.#stack.use(
      realtime.on('session.changed', (session) => {
        if (session.id === id) this.#take(session);
      }),
    );
    this.#stack.use(
      realtime.on('stream.node-link', ({ isUp }) => {
        this.#isNodeLinkUp = isUp;
        // Only we know whether its picture still comes.
        if (!isUp) this.picture.checkPath();
        // The node may have lost what it knew of us; a picture that flows proves the contrary.
        if (isUp && !['live', 'moving'].includes(this.picture.state.get())) this.picture.renegotiate();
      }),
    );
    const again = setInterval(() => {
      if (!this.#isNodeLinkUp) this.picture.checkPath();
    }, seenAgainMs);
    this.#stack.defer(() => clearInterval(again));
    this.#stack.use(
      watchDevice({
        onWake: () => this.picture.wake(),
        onOtherNetwork: () => this.picture.pathChanged(),
      }),
    );
    this.#stack.defer(
      this.room.you.subscribe(() => {
        if (this.room.you.get()) this.#noteStep('room');
        this.#takeSeat();
      }),
    );
    this.#stack.defer(this.room.view.subscribe(() => this.#takeSeat()));
    this.#stack.use(
      realtime.whenOnline(() => {
        this.#watch().catch(reportFault);
      }),
    );
  }

  hasControl(): boolean {
    const you = this.room.you.get();
    return you !== null && this.room.view.get()?.floorHolder === you;
  }

  async transfer(request: TransferRequest): Promise<TransferResponse> {
    return this.#services.realtime.transfer(request);
  }

  /** Gives the seat up; the last one to leave closes the session. */
  async leave(): Promise<void> {
    try {
      if (this.room.you.get()) await this.room.leave();
      // Nobody ever sat in it: what one asked for oneself one takes back.
      else if (this.launch) await this.#services.api.closeSession(this.id);
    } finally {
      this.close();
      this.#services.launches.delete(this.id);
    }
  }

  close(): void {
    this.#stack.dispose();
  }

  /** Who has to agree to a recording first asks for no picture; once agreed it is asked for at once. */
  #takeSeat(): void {
    const you = this.room.you.get();
    if (!you || this.session.get()?.mode !== 'streamed') return;
    const wasKept = this.#isKeptBack;
    this.#isKeptBack = mustAgree(this.room.view.get(), you);
    if (this.#isKeptBack) return;
    if (this.#seat !== you) this.picture.seat(you);
    else if (wasKept) this.picture.renegotiate();
    this.#seat = you;
  }

  async #watch(): Promise<void> {
    try {
      this.#take(await this.#services.realtime.watchSession(this.id));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (['session.unknown', 'access.refused', 'request.invalid'].includes(error.code))
        this.refusal.set(error);
    }
  }

  #take(session: SessionView): void {
    if (this.#stack.disposed) return;
    this.session.set(session);
    const isOpen = session.state === 'streaming' || session.state === 'suspended';
    if (isOpen && !this.#isJoined) {
      this.#isJoined = true;
      this.#lastStepAt = performance.now() - this.#startedAt;
      this.room.join();
    }
    if (session.mode === 'streamed') this.#follow(session);
    if (session.state === 'closed' || session.state === 'failed') this.close();
  }

  /** The picture follows the session to another node. */
  #follow(session: SessionView): void {
    const life = lifeOf(session);
    if (session.recovery?.recoveredAt === null) this.picture.hold();
    if (this.room.you.get() !== null && hasNewPicture(session)) this.picture.prepare(life);
    if (session.state !== 'streaming') return;
    const isElsewhere = this.#streamsAt !== undefined && this.#streamsAt !== life;
    this.#streamsAt = life;
    if (!isElsewhere) return;
    this.#isNodeLinkUp = true;
    this.picture.moveOn(life).catch(reportFault);
    this.recovered.set(performance.now());
  }

  /** Whether the node is lost is for the broker to find out: it hears the others, and the node itself. */
  async #tellPath(state: PathState): Promise<void> {
    const { realtime } = this.#services;
    const isNews = state !== 'alive' || !this.#isNodeLinkUp;
    if (!isNews || realtime.state.get() !== 'online' || this.room.you.get() === null) return;
    const report = { state, ...(state === 'dead' && whole(this.picture)) };
    const outcome = await realtime.tellPath(report).then((answer) => answer.outcome, ignoreRefusal);
    if (outcome === 'recovering') this.picture.hold();
    if (outcome === 'own-path') this.picture.pathChanged();
  }

  #noteStep(step: ClientStep): void {
    const name = `client.${step}`;
    if (this.clientSteps.get().some((known) => known.step === name)) return;
    const endMs = performance.now() - this.#startedAt;
    const startMs = this.#lastStepAt;
    this.#lastStepAt = endMs;
    this.clientSteps.update((steps) => [...steps, { step: name, startMs, endMs }]);
  }
}

/** `?transport=media|webcodecs|mse` in the page's address: for support, and for measurements. */
function wantedTransport(): TransportKind | undefined {
  return transportKindSchema.safeParse(new URLSearchParams(location.search).get('transport')).data;
}

function checkedKbps(): number | undefined {
  const mbps = loadDeviceReport()?.report.throughputMbps;
  return typeof mbps === 'number' ? Math.max(1, Math.round(mbps * 1_000)) : undefined;
}

/** The same as long as the session stays where it is. */
function lifeOf({ nodeId, recovery }: SessionView): string {
  return JSON.stringify([nodeId, recovery?.lostAt, recovery?.attempt]);
}

/** The other node has its end of the stream, though its application shows nothing yet. */
function hasNewPicture({ state, steps, recovery, createdAt }: SessionView): boolean {
  if (state !== 'starting' || recovery?.recoveredAt !== null) return false;
  const lostMs = Date.parse(recovery.lostAt) - Date.parse(createdAt);
  return steps.some(({ step, startMs }) => step === 'encoder' && startMs >= lostMs);
}

function whole({ display: { wholeView } }: Picture): Pick<PathReport, 'view'> {
  return wholeView ? { view: wholeView } : {};
}

/** The link broke in this moment: what is to be found out is found out again when it is back. */
function ignoreRefusal(error: unknown): undefined {
  if (!(error instanceof AppError)) throw error;
}

/** Follows what the picture measures; answers how to stop. */
function reportFrames(
  { latencySamples }: Picture,
  tell: (samples: readonly FrameLatency[]) => Promise<void>,
): () => void {
  const reporter = new FrameReporter({ now: () => performance.now(), random: Math.random, tell });
  let latest: LatencySample | undefined;
  return latencySamples.subscribe(() => {
    const known = latencySamples.get();
    const news = known.slice(latest === undefined ? 0 : known.lastIndexOf(latest) + 1);
    latest = known.at(-1);
    reporter.take(news);
  });
}
