import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
} from 'node-av/constants';
import { Codec, CodecContext, Dictionary, type Frame, Packet, Rational } from 'node-av/lib';
import { checked } from './checked.ts';
import { type FrameFeed, openFrameFeed } from './frame-feed.ts';
import { type EncoderName, rungs, type Rung } from './ladder.ts';

export type H264Options = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** The most that ever come. */
  readonly framesPerSecond: number;
  /** As many come while the picture moves; unset: the most. */
  readonly turnsPerSecond?: number;
  readonly kbps: number;
  /** Constant rate factor of x264: lower is better, near 12 the eye sees no loss in gray images. */
  readonly crf: number;
  readonly threads: number;
  /** Unset: x264. */
  readonly encoder?: EncoderName;
};

/**
 * How long a picture that is as large as the rate controller lets it be takes to cross a path of that rate. Where that is felt least, large
 * pictures may borrow most; on narrow paths a frame's turn is long already. At the lowest rates less than a turn would leave nothing of them.
 */
const bufferMs = {
  least: 80,
  most: 150,
  leastBelowKbps: 4_000,
  mostFromKbps: 12_000,
  leastBits: 100_000,
} as const;
/** A path of which bytes are not the scarce thing, and one of which they are; in between it stays as it was. */
const wideKbps = { from: 8_000, until: 5_000 } as const;

/** An H.264 encoder of the ladder, for live pictures. */
export class H264Encoder implements Disposable {
  readonly #options: H264Options;
  readonly #rung: Rung;
  readonly #packet: Packet;
  #opened: Opened;
  #rate: Rate;
  #crf: number;
  #isRateNew = false;

  static async open(options: H264Options): Promise<H264Encoder> {
    const rate = {
      kbps: options.kbps,
      framesOfATurn: options.framesPerSecond / (options.turnsPerSecond ?? options.framesPerSecond),
      isWide: options.kbps >= wideKbps.from,
    };
    return new H264Encoder(options, rate, await openContext(options, rate));
  }

  private constructor(options: H264Options, rate: Rate, opened: Opened) {
    this.#options = options;
    this.#rung = rungs[nameOf(options)];
    this.#rate = rate;
    this.#opened = opened;
    this.#crf = options.crf;
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** @param turnsPerSecond as many pictures come while it moves. */
  setBitrate(kbps: number, turnsPerSecond: number): void {
    const wasWide = this.isWide;
    const isWide = kbps >= (wasWide ? wideKbps.until : wideKbps.from);
    this.#rate = { kbps, framesOfATurn: this.#options.framesPerSecond / turnsPerSecond, isWide };
    if (!this.#rung.takesBitrate || this.#needsOtherOptions(wasWide)) this.#isRateNew = true;
    else setBitrate(this.#opened.context, this.#rate);
  }

  /** The path carries so much that processors are what is short. */
  get isWide(): boolean {
    return this.#rate.isWide;
  }

  /** From the next frame on, where the encoder can; otherwise it keeps the one that it began with. */
  setQuality(crf: number): void {
    const { qualityOption } = this.#rung;
    if (crf === this.#crf || qualityOption === undefined) return;
    checked(this.#opened.context.setOption(qualityOption, `${crf}`), 'change the quality');
    this.#crf = crf;
  }

  /** @param picture `ticks` of 90 kHz must grow from frame to frame. */
  async encode(
    frame: Frame,
    picture: { readonly ticks: bigint; readonly isKeyframe: boolean },
  ): Promise<{ bytes: Uint8Array; isKeyframe: boolean }> {
    if (this.#isRateNew) await this.#openAnew();
    const { context, feed } = this.#opened;
    const fed = await feed.bring(frame);
    fed.pts = picture.ticks;
    fed.pictType = picture.isKeyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    checked(await context.sendFrame(fed), 'encode');
    checked(context.receivePacketSync(this.#packet), 'take the encoded picture');
    const bytes = new Uint8Array(this.#packet.data ?? []);
    const encoded = { bytes, isKeyframe: this.#packet.isKeyframe };
    this.#packet.unref();
    return encoded;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#opened[Symbol.dispose]();
  }

  #needsOtherOptions(wasWide: boolean): boolean {
    const optionsAt = (isWide: boolean): string =>
      JSON.stringify(this.#rung.options({ ...this.#options, isWide }));
    return optionsAt(wasWide) !== optionsAt(this.isWide);
  }

  /** It begins with a keyframe. */
  async #openAnew(): Promise<void> {
    this.#isRateNew = false;
    const former = this.#opened;
    this.#opened = await openContext({ ...this.#options, crf: this.#crf }, this.#rate);
    former[Symbol.dispose]();
  }
}

type Rate = { readonly kbps: number; readonly framesOfATurn: number; readonly isWide: boolean };
type Opened = Disposable & { readonly context: CodecContext; readonly feed: FrameFeed };

function nameOf({ encoder = 'libx264' }: H264Options): EncoderName {
  return encoder;
}

async function openContext(options: H264Options, rate: Rate): Promise<Opened> {
  const name = nameOf(options);
  const rung = rungs[name];
  const codec = Codec.findEncoderByName(rung.codec);
  if (!codec) throw new Error(`${name} is missing from this FFmpeg`);
  using undo = new DisposableStack();
  const memory = rung.openMemory && undo.use(rung.openMemory(options));
  const feed = undo.use(openFrameFeed(rung, options, memory));
  const context = undo.adopt(new CodecContext(), (each) => each.freeContext());
  context.allocContext3(codec);
  context.width = options.widthPx;
  context.height = options.heightPx;
  context.pixelFormat = memory ? memory.frames.format : rung.pixelFormat;
  if (memory) context.hwFramesCtx = memory.frames;
  context.colorRange = AVCOL_RANGE_JPEG;
  context.colorSpace = AVCOL_SPC_BT709;
  context.colorPrimaries = AVCOL_PRI_BT709;
  context.colorTrc = AVCOL_TRC_BT709;
  context.timeBase = new Rational(1, 90_000);
  context.framerate = new Rational(options.framesPerSecond, 1);
  context.gopSize = 1_000_000;
  context.maxBFrames = 0;
  context.threadCount = options.threads;
  setBitrate(context, rate);
  checked(
    await context.open2(codec, Dictionary.fromObject(rung.options({ ...options, isWide: rate.isWide }))),
    `open ${name}`,
  );
  const kept = undo.move();
  return { context, feed, [Symbol.dispose]: () => kept.dispose() };
}

/**
 * Without look-ahead x264 does not know how long a picture lasts: its buffer fills by the most frames that ever come, so fewer would get
 * but a part of the rate.
 */
function setBitrate(context: CodecContext, { kbps, framesOfATurn }: Rate): void {
  context.rcMaxRate = BigInt(Math.round(kbps * 1_000 * framesOfATurn));
  context.rcBufferSize = Math.round(kbps * bufferMsAt(kbps));
}

function bufferMsAt(kbps: number): number {
  const { least, most, leastBelowKbps, mostFromKbps, leastBits } = bufferMs;
  const part = (kbps - leastBelowKbps) / (mostFromKbps - leastBelowKbps);
  const lentMs = least + (most - least) * Math.min(1, Math.max(0, part));
  return Math.min(most, Math.max(lentMs, leastBits / kbps));
}
