import {
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  SWS_ACCURATE_RND,
  SWS_AREA,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { TypedEmitter } from '@medusa/kernel';
import { checked } from './checked.ts';
import { H264Encoder } from './h264-encoder.ts';
import { type AccessUnit, monotonicMs } from './messages.ts';

/** A picture of the display, as the main layer was given it. */
type ShownPicture = { readonly ticks: bigint; readonly grabbedAtMs: number };

type Small = Disposable & {
  readonly divisor: number;
  readonly source: { readonly width: number; readonly height: number };
  readonly frame: Frame;
  readonly scaler: SoftwareScaleContext;
  readonly encoder: H264Encoder;
};

/** Below `third` half of the width and height is still too much; not before `half` it is tried again. */
const divisorKbps = { third: 650, half: 900 } as const;
const kbpsOfAFrame = 75;
const framesPerSecond = { least: 5, most: 15 } as const;
/** Coarser than the main layer: beside that, nobody judges an image by this one. */
const crf = 20;
const keyframeIntervalMs = 400;
/** After the last news the same again, so that it gets sharp: there is room for it now. */
const settleDelaysMs = [250, 400];

/**
 * The same picture smaller and less often. It takes its pictures from the main layer, after that has told them, and works beside it: grab and
 * encoding of the next main picture wait for nothing here. What comes last is always encoded, when its turn is there.
 */
export class WeakLayer {
  readonly events: TypedEmitter<{ 'access-unit': [accessUnit: AccessUnit] }>;
  readonly #report: (error: unknown) => void;
  #kbps: number | null = null;
  #small: Small | undefined;
  #hasNews = false;
  #settlesLeft = 0;
  #isKeyframeWanted = false;
  #isWorking = false;
  #lastFrameMs = -Infinity;
  #lastKeyframeMs = -Infinity;
  #lastTicks = 0n;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
    this.events = new TypedEmitter(report);
  }

  get isWanted(): boolean {
    return this.#kbps !== null;
  }

  /** When `begin` should be called, on the clock of `monotonicMs`. Infinity: nothing is to be made. */
  get dueAtMs(): number {
    if (this.#kbps === null || this.#isWorking) return Infinity;
    const turnMs = 1_000 / framesPerSecondAt(this.#kbps);
    const newsMs = this.#hasNews ? this.#lastFrameMs + turnMs : Infinity;
    const keyframeMs = this.#isKeyframeWanted ? this.#lastKeyframeMs + keyframeIntervalMs : Infinity;
    const settleDelayMs = settleDelaysMs[settleDelaysMs.length - this.#settlesLeft] ?? Infinity;
    return Math.min(newsMs, keyframeMs, this.#lastFrameMs + settleDelayMs);
  }

  /** @param kbps null: nobody needs it any more. */
  setBitrate(kbps: number | null): void {
    if (this.#kbps === null && kbps !== null) this.requestKeyframe();
    this.#kbps = kbps;
    if (kbps === null) this.#release();
    else this.#small?.encoder.setBitrate(kbps, framesPerSecondAt(kbps));
  }

  requestKeyframe(): void {
    this.#isKeyframeWanted = true;
  }

  /** The main layer has told another picture. */
  offer(): void {
    this.#hasNews = true;
  }

  /** Whether this picture was encoded already: then it needs a later time to be encoded again. */
  hasShown({ ticks }: ShownPicture): boolean {
    return ticks <= this.#lastTicks;
  }

  /** @param frame that nobody writes to now; its memory is held until it is scaled. */
  begin(frame: Frame, picture: ShownPicture): void {
    const held = frame.clone();
    if (!held || this.#kbps === null) return;
    this.#isWorking = true;
    this.#settlesLeft = this.#hasNews ? settleDelaysMs.length : Math.max(0, this.#settlesLeft - 1);
    this.#hasNews = false;
    this.#lastFrameMs = monotonicMs();
    this.#lastTicks = picture.ticks;
    this.#encode(held, picture, this.#kbps)
      .finally(() => {
        held.free();
        this.#isWorking = false;
        if (this.#kbps === null) this.#release();
      })
      // Who hears of it asks when the next one is due.
      .then((unit) => this.#kbps !== null && this.events.emit('access-unit', unit))
      .catch(this.#report);
  }

  async #encode(held: Frame, picture: ShownPicture, kbps: number): Promise<AccessUnit> {
    const small = await this.#smallFor(held, kbps);
    const startMs = monotonicMs();
    checked(small.frame.makeWritable(), 'reuse the small frame');
    checked(await small.scaler.scaleFrame(small.frame, held), 'scale');
    const scaledMs = monotonicMs();
    const isKeyframe = this.#isKeyframeWanted;
    this.#isKeyframeWanted = false;
    if (isKeyframe) this.#lastKeyframeMs = startMs;
    const { ticks, grabbedAtMs } = picture;
    const encoded = await small.encoder.encode(small.frame, { ticks, isKeyframe });
    return {
      ...encoded,
      layer: 'weak',
      rtpTimestamp: Number(ticks & 0xffff_ffffn),
      input: null,
      timing: {
        damagedAtMs: null,
        grabbedAtMs,
        grabMs: 0,
        convertMs: scaledMs - startMs,
        encodeMs: monotonicMs() - scaledMs,
      },
    };
  }

  async #smallFor({ width, height }: Frame, kbps: number): Promise<Small> {
    const former = this.#small;
    const divisor = divisorAt(kbps, former?.divisor);
    const isOfSource = former?.source.width === width && former.source.height === height;
    if (former && isOfSource && former.divisor === divisor) return former;
    this.#small = undefined;
    former?.[Symbol.dispose]();
    this.#isKeyframeWanted = true;
    this.#small = await openSmall({ width, height }, divisor, kbps);
    return this.#small;
  }

  #release(): void {
    const small = this.#small;
    if (!small || this.#isWorking) return;
    this.#small = undefined;
    small[Symbol.dispose]();
  }
}

function framesPerSecondAt(kbps: number): number {
  return Math.min(framesPerSecond.most, Math.max(framesPerSecond.least, kbps / kbpsOfAFrame));
}

function divisorAt(kbps: number, former = 2): number {
  if (kbps < divisorKbps.third) return 3;
  return kbps < divisorKbps.half ? former : 2;
}

/** Even, for chroma has half of both. */
const evenPart = (px: number, divisor: number): number => Math.max(2, Math.round(px / divisor / 2) * 2);

async function openSmall(source: Small['source'], divisor: number, kbps: number): Promise<Small> {
  const [width, height] = [evenPart(source.width, divisor), evenPart(source.height, divisor)];
  const frame = new Frame();
  frame.alloc();
  frame.format = AV_PIX_FMT_YUV420P;
  frame.width = width;
  frame.height = height;
  frame.colorSpace = AVCOL_SPC_BT709;
  frame.colorRange = AVCOL_RANGE_JPEG;
  checked(frame.allocBuffer(), 'allocate a small frame');
  const scaler = new SoftwareScaleContext();
  scaler.allocContext();
  checked(scaler.setOption('sws_flags', SWS_AREA | SWS_ACCURATE_RND), 'set the scaler up');
  const size = { widthPx: width, heightPx: height };
  const rates = { framesPerSecond: framesPerSecond.most, turnsPerSecond: framesPerSecondAt(kbps), kbps };
  const encoder = await H264Encoder.open({ ...size, ...rates, crf, threads: 1 });
  return {
    ...{ divisor, source, frame, scaler, encoder },
    [Symbol.dispose]() {
      encoder[Symbol.dispose]();
      scaler.freeContext();
      frame.free();
    },
  };
}
