import type { types } from 'mediasoup';
import { assertNever } from '@medusa/kernel';
import { AppError, stillLabel, type StreamRequest, type StreamResponse } from '@medusa/protocol';
import type { DisplayEvents } from './display-events.ts';
import type { StillChannel } from './still-channel.ts';

export type ParticipantStream = {
  readonly router: types.Router;
  readonly server: types.WebRtcServer;
  readonly direct: types.DirectTransport;
  readonly producer: types.Producer;
  readonly display: DisplayEvents;
  readonly stills: StillChannel;
  readonly initialKbps: number;
};
type Listeners = {
  readonly input: (message: Uint8Array) => void;
  readonly estimated: () => void;
  readonly gone: () => void;
  readonly report: (error: unknown) => void;
};
type ParticipantRequest = Exclude<StreamRequest, { kind: 'capabilities' | 'close' }>;
type Request<Kind extends ParticipantRequest['kind']> = Extract<ParticipantRequest, { kind: Kind }>;

const mostTransports = 8;
/** A whole still is many bytes: nobody gets it again and again. */
const refineIntervalMs = 1_000;
/** An input message is at most 13 bytes. */
const mostInputBytes = 64;

/** The transports of one person at one screen. It can see the picture and send input, and produce nothing else. */
export class Participant {
  readonly #stream: ParticipantStream;
  readonly #listeners: Listeners;
  readonly #transports = new Map<string, types.WebRtcTransport>();
  readonly #consumers = new Map<string, types.Consumer>();
  #estimate: number | undefined;
  #still: types.DataConsumer | undefined;
  #refinedAtMs = -Infinity;

  constructor(stream: ParticipantStream, listeners: Listeners) {
    this.#stream = stream;
    this.#listeners = listeners;
  }

  /** The bandwidth towards it as the SFU estimates it; undefined until it sees the picture. */
  get estimateKbps(): number | undefined {
    return this.#consumers.size > 0 ? this.#estimate : undefined;
  }

  get isConnected(): boolean {
    return [...this.#transports.values()].some(
      ({ dtlsState, iceState }) => dtlsState === 'connected' && iceState !== 'disconnected',
    );
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
      initialAvailableOutgoingBitrate: this.#stream.initialKbps * 1_000,
    });
    this.#transports.set(transport.id, transport);
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.#listeners.gone();
    });
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed' || state === 'closed') this.#drop(transport);
    });
    transport.on('trace', (trace) => {
      if (trace.type !== 'bwe') return;
      this.#estimate = Math.round((trace.info as { availableBitrate: number }).availableBitrate / 1_000);
      this.#listeners.estimated();
    });
    await transport.enableTraceEvent(['bwe']);
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
    const consumer = await this.#transport(request.transportId).consume({
      producerId: this.#stream.producer.id,
      rtpCapabilities: request.rtpCapabilities,
      paused: true,
    });
    this.#consumers.set(consumer.id, consumer);
    consumer.observer.on('close', () => this.#consumers.delete(consumer.id));
    const { id, producerId, rtpParameters } = consumer;
    return { kind: 'consume', id, producerId, rtpParameters };
  }

  async #resume(request: Request<'resume'>): Promise<StreamResponse> {
    const consumer = this.#consumers.get(request.consumerId);
    if (!consumer) throw new AppError('stream.unknown', 'There is no such consumer');
    await consumer.resume();
    await consumer.requestKeyFrame();
    return { kind: 'resume' };
  }

  async #produceData(request: Request<'produce-data'>): Promise<StreamResponse> {
    const producer = await this.#transport(request.transportId).produceData({
      label: request.label,
      sctpStreamParameters: request.sctpStreamParameters as unknown as types.SctpStreamParameters,
    });
    const consumer = await this.#stream.direct.consumeData({ dataProducerId: producer.id });
    consumer.on('message', (message) => {
      if (message.byteLength <= mostInputBytes) this.#listeners.input(message);
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
    channel.welcome(consumer);
    if (isStill) this.#still = consumer;
    return {
      kind: 'consume-data',
      id: consumer.id,
      dataProducerId: consumer.dataProducerId,
      sctpStreamParameters: consumer.sctpStreamParameters ?? {},
      label: consumer.label,
      protocol: consumer.protocol,
    };
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
