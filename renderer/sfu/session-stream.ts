import type { types } from 'mediasoup';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  displayEventsLabel,
  framesLabel,
  type ParticipantId,
  type PictureLayer,
  stillLabel,
  type StreamRequest,
  type StreamResponse,
} from '@medusa/protocol';
import type { AccessUnit } from '../encoder/index.ts';
import { planBitrate } from './bitrate.ts';
import { DisplayEvents } from './display-events.ts';
import { doubledShare } from './doubling.ts';
import { chooseLayers, type Standing, type WatchedPath } from './layer-choice.ts';
import { outgoingFrame } from './outgoing-frame.ts';
import { Participant, type ParticipantStream } from './participant.ts';
import { keyframesWanted } from './rtcp.ts';
import { StillChannel } from './still-channel.ts';
import { VideoLayer } from './video-layer.ts';
import { createVideoRouter } from './video-router.ts';

export type SessionStreamOptions = {
  readonly kbps: number;
  /** There is an encoder that makes it when it is asked to. */
  readonly hasWeakLayer: boolean;
  readonly report: (error: unknown) => void;
};

type StreamEvents = {
  /** Some viewer cannot go on without a keyframe. */
  'keyframe-wanted': [layer: PictureLayer];
  /** The bit rate of the picture that all viewers of the main layer can take has changed. */
  bitrate: [kbps: number];
  /** The same of the weak layer; null: nobody needs it. */
  'weak-bitrate': [kbps: number | null];
  /** One message of an input channel, not decoded yet. */
  input: [participantId: ParticipantId, message: Uint8Array];
  /** Its connection is lost or its seat was taken away: nothing more will come from it for now. */
  'participant-gone': [participantId: ParticipantId];
};

const reportIntervalMs = 1_000;

/** The SFU's side of one session: its router, the picture that we inject, and the participants who see it. */
export class SessionStream implements AsyncDisposable {
  readonly events: TypedEmitter<StreamEvents>;
  readonly display: DisplayEvents;
  readonly stills: StillChannel;
  readonly #router: types.Router;
  readonly #direct: types.DirectTransport;
  readonly #layers: Readonly<Record<PictureLayer, VideoLayer>>;
  readonly #frames: types.DataProducer;
  readonly #server: types.WebRtcServer;
  readonly #participants = new Map<ParticipantId, Participant>();
  readonly #timer: NodeJS.Timeout;
  readonly #report: (error: unknown) => void;
  readonly #hasWeakLayer: boolean;
  #standings: ReadonlyMap<ParticipantId, Standing> = new Map();
  #kbps: number;
  /** The main layer alone: who has the weak one has nothing to spend twice. */
  #isDoubled = false;
  #weakKbps: number | null = null;
  #sent = { frames: 0, bytes: 0 };

  static async create(
    parts: { worker: types.Worker; server: types.WebRtcServer },
    options: SessionStreamOptions,
  ): Promise<SessionStream> {
    const router = await createVideoRouter(parts.worker);
    try {
      const direct = await router.createDirectTransport();
      const layers = {
        main: await VideoLayer.create(router, direct),
        weak: await VideoLayer.create(router, direct),
      };
      const displayProducer = await direct.produceData({ label: displayEventsLabel });
      const stillProducer = await direct.produceData({ label: stillLabel });
      const frames = await direct.produceData({ label: framesLabel });
      const producers = { displayProducer, stillProducer, frames };
      return new SessionStream({ ...parts, router, direct, layers, ...producers }, options);
    } catch (error) {
      router.close();
      throw error;
    }
  }

  private constructor(
    parts: {
      server: types.WebRtcServer;
      router: types.Router;
      direct: types.DirectTransport;
      layers: Record<PictureLayer, VideoLayer>;
      displayProducer: types.DataProducer;
      stillProducer: types.DataProducer;
      frames: types.DataProducer;
    },
    options: SessionStreamOptions,
  ) {
    this.#server = parts.server;
    this.#router = parts.router;
    this.#direct = parts.direct;
    this.#layers = parts.layers;
    this.#frames = parts.frames;
    this.#kbps = options.kbps;
    this.#hasWeakLayer = options.hasWeakLayer;
    this.#report = options.report;
    this.events = new TypedEmitter(options.report);
    this.display = new DisplayEvents(parts.displayProducer, options.report);
    this.stills = new StillChannel(parts.stillProducer, options.report);
    this.#direct.on('rtcp', (packet) => {
      const wanted = keyframesWanted(packet);
      for (const layer of ['main', 'weak'] as const)
        if (wanted.includes(this.#layers[layer].ssrc) && !this.#isShown(layer))
          this.events.emit('keyframe-wanted', layer);
    });
    this.#timer = setInterval(() => this.#everySecond(), reportIntervalMs);
  }

  get participantIds(): ParticipantId[] {
    return [...this.#participants.keys()];
  }

  get connectedParticipants(): number {
    return [...this.#participants.values()].filter((participant) => participant.isConnected).length;
  }

  get targetKbps(): number {
    return this.#isDoubled ? Math.round(this.#kbps * doubledShare) : this.#kbps;
  }

  /** What was sent since the last call, for statistics. */
  takeSent(): { readonly frames: number; readonly bytes: number } {
    const sent = this.#sent;
    this.#sent = { frames: 0, bytes: 0 };
    return sent;
  }

  /**
   * Browsers ask for a keyframe when nothing came for three seconds, again and again. Of a picture at rest there is nothing to come: who
   * shows its last frame lacks none.
   */
  #isShown(layer: PictureLayer): boolean {
    const { lastRtpTimestamp } = this.#layers[layer];
    return [...this.#participants.values()].every(({ picture }) => picture.hasShown(layer, lastRtpTimestamp));
  }

  push(accessUnit: Pick<AccessUnit, 'layer' | 'bytes' | 'rtpTimestamp'>): void {
    if (this.#direct.closed) return;
    const isDoubled = this.#isDoubled && accessUnit.layer === 'main';
    this.#layers[accessUnit.layer].push(accessUnit, isDoubled);
    const frame = outgoingFrame(accessUnit);
    const { rtpTimestamp, byteLength: bytes, atMs } = frame;
    const wireBytes = isDoubled ? 2 * bytes : bytes;
    for (const { picture, rate } of this.#participants.values())
      if (picture.offer(frame)) rate.sent({ rtpTimestamp, bytes, wireBytes, atMs });
    this.#sent.frames += 1;
    this.#sent.bytes += bytes;
  }

  /** Obeys what a participant asks of the SFU. @throws AppError `stream.unknown`, or mediasoup's refusal as `request.invalid`. */
  async answer(participantId: ParticipantId, request: StreamRequest): Promise<StreamResponse> {
    if (request.kind === 'capabilities')
      return { kind: 'capabilities', routerRtpCapabilities: this.#router.rtpCapabilities };
    if (request.kind === 'close') {
      this.removeParticipant(participantId);
      return { kind: 'close' };
    }
    try {
      return await this.#participant(participantId).answer(request);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('request.invalid', 'The SFU refused the request', { cause: error });
    }
  }

  removeParticipant(participantId: ParticipantId): void {
    const participant = this.#participants.get(participantId);
    if (!participant) return;
    this.#participants.delete(participantId);
    participant.close();
    this.events.emit('participant-gone', participantId);
    this.#adaptBitrate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const participantId of this.participantIds) this.removeParticipant(participantId);
    this.#router.close();
  }

  #participant(participantId: ParticipantId): Participant {
    const known = this.#participants.get(participantId);
    if (known) return known;
    const stream: ParticipantStream = {
      router: this.#router,
      server: this.#server,
      direct: this.#direct,
      producers: { main: this.#layers.main.producer, weak: this.#layers.weak.producer },
      frames: this.#frames,
      display: this.display,
      stills: this.stills,
    };
    const participant = new Participant(stream, {
      input: (message) => this.events.emit('input', participantId, message),
      keyframeWanted: (layer) => this.events.emit('keyframe-wanted', layer),
      heard: () => this.#adaptBitrate(),
      gone: () => this.events.emit('participant-gone', participantId),
      report: this.#report,
    });
    this.#participants.set(participantId, participant);
    return participant;
  }

  #adaptBitrate(): void {
    const wanted = this.#hasWeakLayer ? this.#chooseLayers() : this.#leastKbps();
    const kbps = wanted === undefined ? this.#kbps : planBitrate(this.#kbps, wanted);
    this.#setBitrate(kbps, this.#isDoubled);
  }

  #setBitrate(kbps: number, isDoubled: boolean): void {
    if (kbps === this.#kbps && isDoubled === this.#isDoubled) return;
    this.#kbps = kbps;
    this.#isDoubled = isDoubled;
    this.events.emit('bitrate', this.targetKbps);
  }

  #leastKbps(): number | undefined {
    const told = [...this.#participants.values()].flatMap(({ rate }) => rate.kbps ?? []);
    return told.length > 0 ? Math.min(...told) : undefined;
  }

  /** @returns what the main layer may take. */
  #chooseLayers(): number | undefined {
    const paths = new Map<ParticipantId, WatchedPath>();
    for (const [id, { path, isConnected }] of this.#participants) if (isConnected) paths.set(id, path);
    const { standings, mainKbps, weakKbps } = chooseLayers(this.#standings, paths, performance.now());
    this.#standings = standings;
    this.#setWeakBitrate(weakKbps);
    for (const [id, { layer }] of standings)
      this.#participants.get(id)?.picture.assign(layer).catch(this.#report);
    return mainKbps;
  }

  #setWeakBitrate(kbps: number | null): void {
    const planned = kbps === null || this.#weakKbps === null ? kbps : planBitrate(this.#weakKbps, kbps);
    if (planned === this.#weakKbps) return;
    this.#weakKbps = planned;
    this.events.emit('weak-bitrate', planned);
  }

  #everySecond(): void {
    for (const layer of Object.values(this.#layers)) layer.report();
    this.#adaptBitrate();
    this.display.repeatState();
    this.#observe().catch(this.#report);
  }

  async #observe(): Promise<void> {
    const participants = [...this.#participants.values()];
    await Promise.all(participants.map(async (participant) => participant.observe()));
    this.#setBitrate(
      this.#kbps,
      participants.some(({ isDoublingWanted }) => isDoublingWanted),
    );
  }
}
