import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { Codec, CodecContext, Dictionary, type Frame, Packet, Rational } from 'node-av/lib';
import { checked } from './checked.ts';

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
/** Above this many pixels the faster preset keeps two cores in time. */
const largePicturePx = 1_300_000;

/** libx264 for live pictures: constant quality, never above the bit rate, no frame held back. */
export class H264Encoder implements Disposable {
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #framesPerSecond: number;
  #crf: number;

  static async open(options: H264Options): Promise<H264Encoder> {
    const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
    if (!codec) throw new Error('libx264 is missing from this FFmpeg');
    const context = new CodecContext();
    context.allocContext3(codec);
    context.width = options.widthPx;
    context.height = options.heightPx;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.colorRange = AVCOL_RANGE_JPEG;
    context.colorSpace = AVCOL_SPC_BT709;
    context.colorPrimaries = AVCOL_PRI_BT709;
    context.colorTrc = AVCOL_TRC_BT709;
    context.timeBase = new Rational(1, 90_000);
    context.framerate = new Rational(options.framesPerSecond, 1);
    context.gopSize = 1_000_000;
    context.maxBFrames = 0;
    context.threadCount = options.threads;
    setBitrate(
      context,
      options.kbps,
      options.framesPerSecond / (options.turnsPerSecond ?? options.framesPerSecond),
    );
    const isLarge = options.widthPx * options.heightPx > largePicturePx;
    const settings = Dictionary.fromObject({
      preset: isLarge ? 'ultrafast' : 'superfast',
      tune: 'zerolatency',
      profile: 'baseline',
      'forced-idr': '1',
      crf: `${options.crf}`,
    });
    checked(await context.open2(codec, settings), 'open libx264');
    return new H264Encoder(context, options);
  }

  private constructor(context: CodecContext, { crf, framesPerSecond }: H264Options) {
    this.#context = context;
    this.#crf = crf;
    this.#framesPerSecond = framesPerSecond;
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** @param turnsPerSecond as many pictures come while it moves. */
  setBitrate(kbps: number, turnsPerSecond: number): void {
    setBitrate(this.#context, kbps, this.#framesPerSecond / turnsPerSecond);
  }

  /** From the next frame on. */
  setQuality(crf: number): void {
    if (crf === this.#crf) return;
    checked(this.#context.setOption('crf', `${crf}`), 'change the quality');
    this.#crf = crf;
  }

  /** @param picture `ticks` of 90 kHz must grow from frame to frame. */
  async encode(
    frame: Frame,
    picture: { readonly ticks: bigint; readonly isKeyframe: boolean },
  ): Promise<{ bytes: Uint8Array; isKeyframe: boolean }> {
    frame.pts = picture.ticks;
    frame.pictType = picture.isKeyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    checked(await this.#context.sendFrame(frame), 'encode');
    checked(this.#context.receivePacketSync(this.#packet), 'take the encoded picture');
    const bytes = Uint8Array.from(this.#packet.data ?? []);
    const encoded = { bytes, isKeyframe: this.#packet.isKeyframe };
    this.#packet.unref();
    return encoded;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

/**
 * Without look-ahead x264 does not know how long a picture lasts: its buffer fills by the most frames that ever come, so fewer would get
 * but a part of the rate.
 */
function setBitrate(context: CodecContext, kbps: number, framesOfATurn: number): void {
  context.rcMaxRate = BigInt(Math.round(kbps * 1_000 * framesOfATurn));
  context.rcBufferSize = Math.round(kbps * bufferMsAt(kbps));
}

function bufferMsAt(kbps: number): number {
  const { least, most, leastBelowKbps, mostFromKbps, leastBits } = bufferMs;
  const part = (kbps - leastBelowKbps) / (mostFromKbps - leastBelowKbps);
  const lentMs = least + (most - least) * Math.min(1, Math.max(0, part));
  return Math.min(most, Math.max(lentMs, leastBits / kbps));
}
