import type { types } from 'mediasoup';
import { assertNever } from '@medusa/kernel';
import {
  AppError,
  decodeArrivals,
  type DisplayEvent,
  frameArrivalsLabel,
  type PictureLayer,
  stillLabel,
  type StreamRequest,
  type StreamResponse,
} from '@medusa/protocol';
import type { DisplayEvents } from './display-events.ts';
import { createPathRate } from './path-rate.ts';
import type { StillChannel } from './still-channel.ts';

export type ParticipantStream = {
  readonly router: types.Router;
  readonly server: types.WebRtcServer;
  readonly direct: types.DirectTransport;
  readonly producers: Readonly<Record<PictureLayer, types.Producer>>;
  readonly display: DisplayEvents;
  readonly stills: StillChannel;
};
type Listeners = {
  readonly input: (message: Uint8Array) => void;
  /** What it told of its path changed what is known of that. */
  readonly heard: () => void;
  readonly gone: () => void;
  readonly report: (error: unknown) => void;
};
type Watched = { readonly consumer: types.Consumer; readonly layer: PictureLayer };
type ParticipantRequest = Exclude<StreamRequest, { kind: 'capabilities' | 'close' }>;
type Request<Kind extends ParticipantRequest['kind']> = Extract<ParticipantRequest, { kind: Kind }>;

const mostTransports = 8;
/** A whole still is many bytes: nobody gets it again and again. */
const refineIntervalMs = 1_000;
/** What is told of frames so soon after a stream began may be of the one before. */
const lastWordsMs = 1_000;
/** An input message is at most 13 bytes. */
const mostInputBytes = 64;

/** The transports of one person at one screen. It can see the picture and send input, and produce nothing else. */
export class Participant {
  readonly #stream: ParticipantStream;
  readonly #listeners: Listeners;
  readonly #transports = new Map<string, types.WebRtcTransport>();
  readonly #consumers = new Map<string, Watched>();
  readonly rate = createPathRate();
  #layer: PictureLayer = 'main';
  #watching: PictureLayer | undefined;
  #display: types.DataConsumer | undefined;
  #still: types.DataConsumer | undefined;
  #refinedAtMs = -Infinity;
  #startedAtMs = -Infinity;
  #shownTimestamp: number | undefined;
  #hasChangedLayer = false;

  constructor(stream: ParticipantStream, listeners: Listeners) {
    this.#stream = stream;
    this.#listeners = listeners;
  }

  get isConnected(): boolean {
    return [...this.#transports.values()].some(
      ({ dtlsState, iceState }) => dtlsState === 'connected' && iceState !== 'disconnected',
    );
  }

  /** The layer whose pictures are on their way to it. */
  get watching(): PictureLayer | undefined {
    return this.#watching;
  }

  /**
   * It has told that it shows this frame of the layer, or watches another one. Layers have their timestamps in common: of who has changed
   * between them it is not known which one a frame was of.
   */
  hasShown(layer: PictureLayer, rtpTimestamp: number): boolean {
    if (this.#watching !== layer) return true;
    return !this.#hasChangedLayer && this.#shownTimestamp === rtpTimestamp;
  }

  /**
   * Has its client consume this layer from now on. What was too much for its path ends at once, so that the word comes through; its last
   * picture stays until the first of the new layer is there.
   */
  async assign(layer: PictureLayer): Promise<void> {
    if (layer === this.#layer) return;
    this.#layer = layer;
    const present = this.#latest;
    if (!present) return;
    this.#tell({ kind: 'layer', layer });
    if (present.layer !== layer && layer === 'weak') await this.#pause();
    // It changed back before the client followed.
    if (present.layer === layer && this.#watching === undefined) await this.#start(present);
  }

  /** Called each second: a word gets lost with a channel that is not open yet. */
  remind(): void {
    const present = this.#latest;
    if (present && present.layer !== this.#layer) this.#tell({ kind: 'layer', layer: this.#layer });
  }

  get #latest(): Watched | undefined {
    return [...this.#consumers.values()].at(-1);
  }

  async answer(request: ParticipantRequest): Promise<StreamResponse> {
    switch (request.kind) {
      case 'create-transport':
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
        return this.#consume(request);
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
    this.#consumers.clear();
    this.#watching = undefined;
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

  async #consume(request: Request<'consume'>): Promise<StreamResponse> {
    const layer = this.#layer;
    const consumer = await this.#transport(request.transportId).consume({
      producerId: this.#stream.producers[layer].id,
      rtpCapabilities: withoutEstimates(request.rtpCapabilities),
      paused: true,
    });
    this.#consumers.set(consumer.id, { consumer, layer });
    consumer.observer.on('close', () => this.#consumers.delete(consumer.id));
    const { id, producerId, rtpParameters } = consumer;
    return { kind: 'consume', id, producerId, rtpParameters, layer };
  }

  async #resume(request: Request<'resume'>): Promise<StreamResponse> {
    if (request.consumerId === this.#still?.id) {
      this.#stream.stills.welcome(this.#still);
      return { kind: 'resume' };
    }
    const watched = this.#consumers.get(request.consumerId);
    if (!watched) throw new AppError('stream.unknown', 'There is no such consumer');
    for (const { consumer } of [...this.#consumers.values()])
      // Both at once were twice as much for the path.
      if (consumer !== watched.consumer) consumer.close();
    await this.#start(watched);
    return { kind: 'resume' };
  }

  async #start({ consumer, layer }: Watched): Promise<void> {
    this.#watching = layer;
    this.#hasChangedLayer ||= layer !== 'main';
    this.#startedAtMs = performance.now();
    this.#shownTimestamp = undefined;
    await consumer.resume();
    await consumer.requestKeyFrame();
  }

  async #pause(): Promise<void> {
    this.#watching = undefined;
    for (const { consumer } of this.#consumers.values()) await consumer.pause();
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
      else if (message.byteLength <= mostInputBytes) this.#listeners.input(message);
    });
    return { kind: 'produce-data', id: producer.id };
  }

  async #consumeData(request: Request<'consume-data'>): Promise<StreamResponse> {
    const { display, stills } = this.#stream;
    const isStill = request.label === stillLabel;
    const channel = isStill ? stills : display;
    const consumer = await this.#transport(request.transportId).consumeData({
      dataProducerId: channel.producerId,
      ordered: true,
    });
    if (isStill) this.#still = consumer;
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
    if (now - this.#startedAtMs > lastWordsMs) this.#shownTimestamp = arrivals.at(-1)?.rtpTimestamp;
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
