import type { types } from 'mediasoup';
import { decodeFrameTaken, type PictureLayer, type StreamResponse } from '@medusa/protocol';
import type { StreamCounts } from './doubling.ts';
import { FrameSender } from './frame-sender.ts';
import type { OutgoingFrame } from './outgoing-frame.ts';

type Options = {
  readonly producers: Readonly<Record<PictureLayer, types.Producer>>;
  /** Has the client consume this layer. */
  readonly tellLayer: (layer: PictureLayer) => void;
  /** A keyframe that no consumer of the SFU asks for. */
  readonly wantKeyframe: (layer: PictureLayer) => void;
  /** What the path carries, as far as known. */
  readonly kbps: () => number | undefined;
};
type Video = { readonly consumer: types.Consumer; readonly layer: PictureLayer };

/** What is told of frames so soon after a stream began may be of the one before. */
const lastWordsMs = 1_000;

/** The moving picture as one participant gets it: one layer, as WebRTC video or by the data channel. */
export class WatchedPicture {
  readonly #options: Options;
  readonly #videos = new Map<string, Video>();
  #layer: PictureLayer = 'main';
  #watching: PictureLayer | undefined;
  /** Consumed, and perhaps not resumed yet. */
  #channel: types.DataConsumer | undefined;
  #sender: FrameSender | undefined;
  #startedAtMs = -Infinity;
  #shownTimestamp: number | undefined;
  #hasChangedLayer = false;

  constructor(options: Options) {
    this.#options = options;
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
    if (this.#sender) {
      this.#begin(layer);
      this.#sender.startAnew();
      return;
    }
    const present = this.#latest;
    if (!present) return;
    this.#options.tellLayer(layer);
    if (present.layer !== layer && layer === 'weak') await this.#pause();
    // It changed back before the client followed.
    if (present.layer === layer && this.#watching === undefined) await this.#startVideo(present);
  }

  /** Called each second: a word gets lost with a channel that is not open yet. */
  remind(): void {
    const present = this.#latest;
    if (present && present.layer !== this.#layer) this.#options.tellLayer(this.#layer);
  }

  async consumeVideo(
    transport: types.WebRtcTransport,
    rtpCapabilities: types.RtpCapabilities,
  ): Promise<StreamResponse> {
    const layer = this.#layer;
    const { id: sourceId } = this.#options.producers[layer];
    const consumer = await transport.consume({ producerId: sourceId, rtpCapabilities, paused: true });
    this.#videos.set(consumer.id, { consumer, layer });
    consumer.observer.on('close', () => this.#videos.delete(consumer.id));
    const { id, producerId, rtpParameters } = consumer;
    return { kind: 'consume', id, producerId, rtpParameters, layer };
  }

  /** Nothing comes on it before `resume`. */
  consumeFrames(channel: types.DataConsumer): void {
    this.#closeChannel();
    this.#channel = channel;
    channel.observer.once('close', () => {
      if (this.#channel === channel) this.#closeChannel();
    });
  }

  /** From now on the picture comes this way, and no other: both at once were twice as much for the path. @returns whether there is such a way. */
  async resume(consumerId: string): Promise<boolean> {
    if (consumerId === this.#channel?.id) {
      this.#closeVideos();
      this.#startChannel(this.#channel);
      return true;
    }
    const video = this.#videos.get(consumerId);
    if (!video) return false;
    this.#closeVideos(video);
    this.#closeChannel();
    await this.#startVideo(video);
    return true;
  }

  /** @returns whether it is on its way to this participant. */
  offer(frame: OutgoingFrame): boolean {
    if (frame.layer !== this.#watching) return false;
    return this.#sender?.offer(frame) ?? true;
  }

  /** Of the stream of its video; undefined: it has none. */
  async counts(): Promise<StreamCounts | undefined> {
    const consumer = this.#watching === undefined ? undefined : this.#latest?.consumer;
    if (!consumer || consumer.closed) return undefined;
    for (const told of await consumer.getStats())
      if (told.type === 'outbound-rtp') {
        const { packetCount: packets, nackPacketCount: nackedPackets, roundTripTime: roundTripMs = 0 } = told;
        return { packets, nackedPackets, roundTripMs };
      }
    return undefined;
  }

  /** A message of its `frames.taken`, as it came. */
  taken(message: Uint8Array): void {
    const word = decodeFrameTaken(message);
    if (word) this.#sender?.heed(word);
  }

  shown(rtpTimestamp: number | undefined, nowMs: number): void {
    if (nowMs - this.#startedAtMs > lastWordsMs) this.#shownTimestamp = rtpTimestamp;
  }

  /** When its transports are closed. */
  close(): void {
    this.#closeVideos();
    this.#closeChannel();
    this.#watching = undefined;
  }

  get #latest(): Video | undefined {
    return [...this.#videos.values()].at(-1);
  }

  #begin(layer: PictureLayer): void {
    this.#watching = layer;
    this.#hasChangedLayer ||= layer !== 'main';
    this.#startedAtMs = performance.now();
    this.#shownTimestamp = undefined;
  }

  async #startVideo({ consumer, layer }: Video): Promise<void> {
    this.#begin(layer);
    await consumer.resume();
    await consumer.requestKeyFrame();
  }

  #startChannel(channel: types.DataConsumer): void {
    this.#begin(this.#layer);
    // Resumed again: the page was asleep, and may never say what became of the frames under way.
    this.#sender?.close();
    this.#sender = new FrameSender(channel, {
      wantKeyframe: () => this.#options.wantKeyframe(this.#layer),
      kbps: this.#options.kbps,
    });
  }

  #closeVideos(but?: Video): void {
    for (const { consumer } of [...this.#videos.values()]) if (consumer !== but?.consumer) consumer.close();
  }

  #closeChannel(): void {
    const channel = this.#channel;
    if (this.#sender) this.#watching = undefined;
    this.#sender?.close();
    [this.#channel, this.#sender] = [undefined, undefined];
    channel?.close();
  }

  async #pause(): Promise<void> {
    this.#watching = undefined;
    for (const { consumer } of this.#videos.values()) await consumer.pause();
  }
}
