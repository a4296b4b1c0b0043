import type { types } from 'mediasoup';
import { assertNever } from '@medusa/kernel';
import {
  AppError,
  decodeArrivals,
  type DisplayEvent,
  displayEventsLabel,
  frameArrivalsLabel,
  framesLabel,
  framesTakenLabel,
  type PictureLayer,
  stillLabel,
  type StreamRequest,
  type StreamResponse,
} from '@medusa/protocol';
import type { DisplayEvents } from './display-events.ts';
import { createDoubling } from './doubling.ts';
import type { WatchedPath } from './layer-choice.ts';
import { createPathRate } from './path-rate.ts';
import type { StillChannel } from './still-channel.ts';
import { WatchedPicture } from './watched-picture.ts';

export type ParticipantStream = {
  readonly router: types.Router;
  readonly server: types.WebRtcServer;
  readonly direct: types.DirectTransport;
  readonly producers: Readonly<Record<PictureLayer, types.Producer>>;
  /** Where the data consumers of pictures hang; what each of them carries is its participant's own. */
  readonly frames: types.DataProducer;
  readonly display: DisplayEvents;
  readonly stills: StillChannel;
};
type Listeners = {
  readonly input: (message: Uint8Array) => void;
  /** Of its own, by no consumer of the SFU. */
  readonly keyframeWanted: (layer: PictureLayer) => void;
  /** What it told of its path changed what is known of that. */
  readonly heard: () => void;
  readonly gone: () => void;
  readonly report: (error: unknown) => void;
};
type ParticipantRequest = Exclude<StreamRequest, { kind: 'capabilities' | 'close' }>;
type Request<Kind extends ParticipantRequest['kind']> = Extract<ParticipantRequest, { kind: Kind }>;

const mostTransports = 8;
/** A whole still is many bytes: nobody gets it again and again. */
const refineIntervalMs = 1_000;
/** A message of input, or of a frame that was taken, is at most 13 bytes. */
const mostMessageBytes = 64;

/** The transports of one person at one screen. It can see the picture and send input, and produce nothing else. */
export class Participant {
  readonly #stream: ParticipantStream;
  readonly #listeners: Listeners;
  readonly #transports = new Map<string, types.WebRtcTransport>();
  readonly rate = createPathRate();
  readonly picture: WatchedPicture;
  readonly #doubling = createDoubling();
  #isDoublingWanted = false;
  #display: types.DataConsumer | undefined;
  #still: types.DataConsumer | undefined;
  #refinedAtMs = -Infinity;

  constructor(stream: ParticipantStream, listeners: Listeners) {
    this.#stream = stream;
    this.#listeners = listeners;
    this.picture = new WatchedPicture({
      producers: stream.producers,
      tellLayer: (layer) => this.#tell({ kind: 'layer', layer }),
      wantKeyframe: listeners.keyframeWanted,
      kbps: () => this.rate.kbps,
    });
  }

  get isConnected(): boolean {
    return [...this.#transports.values()].some(
      ({ dtlsState, iceState }) => dtlsState === 'connected' && iceState !== 'disconnected',
    );
  }

  /** Its path loses packets, and a resend takes too long. */
  get isDoublingWanted(): boolean {
    return this.#isDoublingWanted;
  }

  get path(): WatchedPath {
    const { kbps, fullAtMs } = this.rate;
    return { kbps, fullAtMs, still: this.#still && this.#stream.stills.paceOf(this.#still) };
  }

  /** Called each second. */
  async observe(): Promise<void> {
    this.picture.remind();
    // Its stream may end in this moment.
    const counts = await this.picture.counts().catch(() => undefined);
    const nowMs = performance.now();
    const { fullAtMs } = this.rate;
    this.#isDoublingWanted = this.#doubling.take({ nowMs, counts, fullAtMs });
    this.rate.lost(this.#doubling.lostShare, nowMs);
  }

  async answer(request: ParticipantRequest): Promise<StreamResponse> {
    switch (request.kind) {
      case 'create-transport':
        if (request.pathKbps !== undefined) this.rate.expect(request.pathKbps);
        return this.#createTransport();
      case 'connect-transport':
        await this.#transport(request.transportId).connect({
          dtlsParameters: request.dtlsParameters as unknown as types.DtlsParameters,
        });
        return { kind: 'connect-transport' };
      case 'restart-ice': {
        const iceParameters = await this.#transport(request.transportId).restartIce();
        return { kind: 'restart-ice', iceParameters };
      }
      case 'consume':
        return this.picture.consumeVideo(
          this.#transport(request.transportId),
          withoutEstimates(request.rtpCapabilities),
        );
      case 'resume':
        return this.#resume(request);
      case 'produce-data':
        return this.#produceData(request);
      case 'consume-data':
        return this.#consumeData(request);
      case 'refine':
        this.#refine();
        return { kind: 'refine' };
      default:
        return assertNever(request);
    }
  }

  close(): void {
    for (const transport of this.#transports.values()) transport.close();
    this.#transports.clear();
    this.picture.close();
  }

  async #createTransport(): Promise<StreamResponse> {
    if (this.#transports.size >= mostTransports)
      throw new AppError('request.invalid', 'This participant has too many transports');
    const transport = await this.#stream.router.createWebRtcTransport({
      webRtcServer: this.#stream.server,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      enableSctp: true,
    });
    this.#transports.set(transport.id, transport);
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.#listeners.gone();
    });
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed' || state === 'closed') this.#drop(transport);
    });
    return {
      kind: 'create-transport',
      id: transport.id,
      iceParameters: transport.iceParameters,
      iceCandidates: transport.iceCandidates,
      dtlsParameters: transport.dtlsParameters,
      sctpParameters: transport.sctpParameters ?? {},
    };
  }

  #drop(transport: types.WebRtcTransport): void {
    transport.close();
    this.#transports.delete(transport.id);
    this.#listeners.gone();
  }

  async #resume(request: Request<'resume'>): Promise<StreamResponse> {
    if (request.consumerId === this.#still?.id) {
      this.#stream.stills.welcome(this.#still);
      return { kind: 'resume' };
    }
    if (!(await this.picture.resume(request.consumerId)))
      throw new AppError('stream.unknown', 'There is no such consumer');
    // What was expected of its path counts from the first picture on.
    this.#listeners.heard();
    return { kind: 'resume' };
  }

  #tell(event: DisplayEvent): void {
    // A channel that is not open refuses.
    this.#display?.send(JSON.stringify(event)).catch(() => undefined);
  }

  async #produceData(request: Request<'produce-data'>): Promise<StreamResponse> {
    const producer = await this.#transport(request.transportId).produceData({
      label: request.label,
      sctpStreamParameters: request.sctpStreamParameters as unknown as types.SctpStreamParameters,
    });
    const consumer = await this.#stream.direct.consumeData({ dataProducerId: producer.id });
    consumer.on('message', (message) => {
      if (request.label === frameArrivalsLabel) this.#hear(message);
      else if (message.byteLength > mostMessageBytes) return;
      else if (request.label === framesTakenLabel) this.picture.taken(message);
      else this.#listeners.input(message);
    });
    return { kind: 'produce-data', id: producer.id };
  }

  async #consumeData(request: Request<'consume-data'>): Promise<StreamResponse> {
    const { display, stills, frames } = this.#stream;
    const producers = { [stillLabel]: stills.producerId, [framesLabel]: frames.id };
    const { label = displayEventsLabel } = request;
    const consumer = await this.#transport(request.transportId).consumeData({
      dataProducerId: label === displayEventsLabel ? display.producerId : producers[label],
      ordered: true,
    });
    if (label === stillLabel) this.#still = consumer;
    else if (label === framesLabel) this.picture.consumeFrames(consumer);
    else {
      this.#display = consumer;
      display.welcome(consumer);
    }
    return {
      kind: 'consume-data',
      id: consumer.id,
      dataProducerId: consumer.dataProducerId,
      sctpStreamParameters: consumer.sctpStreamParameters ?? {},
      label: consumer.label,
      protocol: consumer.protocol,
    };
  }

  #hear(message: Uint8Array): void {
    const arrivals = decodeArrivals(message);
    if (!arrivals) return;
    const now = performance.now();
    this.picture.shown(arrivals.at(-1)?.rtpTimestamp, now);
    this.rate.arrived(arrivals, now);
    this.#listeners.heard();
  }

  #refine(): void {
    const now = performance.now();
    if (!this.#still || now - this.#refinedAtMs < refineIntervalMs) return;
    this.#refinedAtMs = now;
    this.#stream.stills.sendAnew(this.#still);
  }

  #transport(transportId: string): types.WebRtcTransport {
    const transport = this.#transports.get(transportId);
    if (!transport) throw new AppError('stream.unknown', 'There is no such transport');
    return transport;
  }
}

/** The SFU's own estimate of the path is not asked for (see `createPathRate`): it costs reports, and padding that probes the path. */
function withoutEstimates(offered: Request<'consume'>['rtpCapabilities']): types.RtpCapabilities {
  const { codecs = [], headerExtensions = [] } = offered as types.RtpCapabilities;
  const isEstimate = (feedback: types.RtcpFeedback): boolean =>
    ['transport-cc', 'goog-remb'].includes(feedback.type);
  return {
    codecs: codecs.map((codec) => ({
      ...codec,
      rtcpFeedback: codec.rtcpFeedback?.filter((feedback) => !isEstimate(feedback)) ?? [],
    })),
    headerExtensions: headerExtensions.filter(({ uri }) => !/transport-wide-cc|abs-send-time/.test(uri)),
  };
}
