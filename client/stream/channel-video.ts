import {
  AppError,
  decodeFrameMessage,
  encodeFrameTaken,
  type FrameChunk,
  type PictureLayer,
} from '@medusa/protocol';
import type { types } from 'mediasoup-client';
import { reportFault } from '../core/report.ts';
import { FrameAssembler, type WholeFrame } from './frame-assembler.ts';
import type { FrameSink } from './frame-sink.ts';
import { FrameTimes } from './frame-times.ts';
import { MseSink } from './mse-sink.ts';
import { readPath, type StreamStatistics } from './statistics.ts';
import type { TransportKind } from './transport-kind.ts';
import type { VideoListeners, VideoTransport } from './video-transport.ts';
import { webCodecsSink } from './webcodecs-sink.ts';

type Channels = {
  readonly frames: types.DataConsumer;
  /** Where the word goes that a frame was taken. */
  readonly taken: types.DataProducer;
  readonly receive: types.Transport;
};
type Counts = { readonly atMs: number; readonly frames: number; readonly bytes: number };

/** The picture as frames on a data channel, decoded by the page or by the <video>. */
export class ChannelVideo implements VideoTransport {
  readonly kind: TransportKind;
  readonly #channels: Channels;
  readonly #listeners: VideoListeners;
  readonly #times = new FrameTimes();
  readonly #assembler = new FrameAssembler();
  readonly #sink: FrameSink;
  #video: HTMLVideoElement | undefined;
  #layer: PictureLayer = 'main';
  #needsKeyframe = true;
  #latest: WholeFrame | undefined;
  /** As long as the channel is not open. */
  #unsent: Uint8Array<ArrayBuffer> | undefined;
  /** The least that was measured: what it takes longer is a queue. */
  #roundTripMs = Infinity;
  #counts = { frames: 0, bytes: 0 };
  #before: Counts | undefined;

  constructor(kind: Exclude<TransportKind, 'media'>, channels: Channels, listeners: VideoListeners) {
    this.kind = kind;
    this.#channels = channels;
    this.#listeners = listeners;
    const sinkListeners = {
      taken: (frame: WholeFrame, needsKeyframe: boolean) => this.#tell(frame, needsKeyframe),
      lost: () => this.#lose(),
      failed: listeners.failed,
    };
    const { frames, taken } = channels;
    this.#sink =
      kind === 'mse' ? new MseSink(this.#times, sinkListeners) : webCodecsSink(this.#times, sinkListeners);
    frames.on('message', (message: unknown) => {
      if (message instanceof ArrayBuffer) this.#take(new Uint8Array(message));
    });
    frames.on('close', listeners.ended);
    taken.on('open', () => {
      if (this.#unsent) this.#send(this.#unsent);
    });
  }

  get id(): string {
    return this.#channels.frames.id;
  }

  get layer(): PictureLayer {
    return this.#layer;
  }

  attach(video: HTMLVideoElement): () => void {
    this.#video = video;
    return this.#sink.attach(video);
  }

  shownFrame({
    mediaTime,
    presentedFrames,
  }: VideoFrameCallbackMetadata): ReturnType<VideoTransport['shownFrame']> {
    const frame = this.#times.at(mediaTime);
    return frame && { rtpTimestamp: frame.rtpTimestamp, receivedAt: frame.receivedAt, presentedFrames };
  }

  async readStatistics(): Promise<StreamStatistics | undefined> {
    const report = await this.#channels.receive.getStats();
    const path = readPath([...(report as unknown as Iterable<[string, unknown]>)]);
    this.#roundTripMs = Math.min(this.#roundTripMs, path.roundTripMs ?? Infinity);
    const now: Counts = { atMs: performance.now(), ...this.#counts };
    const before = this.#before ?? now;
    this.#before = now;
    if (now.frames === 0) return undefined;
    const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1_000);
    return {
      transport: this.kind,
      framesPerSecond: Math.round((now.frames - before.frames) / seconds),
      widthPx: this.#video?.videoWidth ?? 0,
      heightPx: this.#video?.videoHeight ?? 0,
      codec: 'H264',
      kbps: ((now.bytes - before.bytes) * 8) / 1_000 / seconds,
      packetsLost: 0,
      jitterBufferMs: null,
      ...path,
    };
  }

  close(): void {
    this.#channels.frames.close();
    this.#sink.close();
  }

  #take(message: Uint8Array<ArrayBuffer>): void {
    const decoded = decodeFrameMessage(message);
    if (!decoded) reportFault(new AppError('request.invalid', 'A message of a frame cannot be read'));
    else if (decoded.kind === 'begin') this.#needsKeyframe = true;
    else this.#takeChunk(decoded);
  }

  #takeChunk(chunk: FrameChunk): void {
    const frame = this.#assembler.take(chunk);
    if (frame === 'broken') {
      this.#lose();
      reportFault(new AppError('request.invalid', 'A part of a frame is missing'));
    } else if (frame !== 'begun') this.#show(frame);
  }

  #lose(): void {
    this.#needsKeyframe = true;
    if (this.#latest) this.#tell(this.#latest, true);
  }

  #show(frame: WholeFrame): void {
    this.#latest = frame;
    this.#counts.frames += 1;
    this.#counts.bytes += frame.bytes.length;
    if (this.#needsKeyframe && !frame.isKeyframe) {
      this.#tell(frame, true);
      return;
    }
    this.#needsKeyframe = false;
    if (frame.layer !== this.#layer) {
      this.#layer = frame.layer;
      this.#listeners.layerChanged(frame.layer);
    }
    this.#sink.take(frame);
  }

  #tell({ rtpTimestamp }: WholeFrame, needsKeyframe: boolean): void {
    const roundTripMs = Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : 0;
    this.#send(encodeFrameTaken({ rtpTimestamp, needsKeyframe, roundTripMs }));
  }

  /** The latest word counts for all before it. */
  #send(message: Uint8Array<ArrayBuffer>): void {
    const { taken } = this.#channels;
    const isOpen = taken.readyState === 'open';
    this.#unsent = isOpen ? undefined : message;
    if (isOpen) taken.send(message);
  }
}
