import {
  AV_PIX_FMT_GBRP,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  SWS_ACCURATE_RND,
  SWS_BILINEAR,
  SWS_POINT,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { checked } from './checked.ts';
import { mixPlanes, neutral, type RgbPlanes, type YuvPlanes } from './mix-planes.ts';

/** A large picture takes 6 ms of one processor (1920×1080), which are felt. */
const threads = 2;
/** Of the pixels: where more are coloured and new, the scaler's way is the faster one. */
const mostColoured = 0.15;
/** So many pictures are not tried again after one that was too coloured. */
const colouredPictures = 20;
/** Words between two that are looked at to see how much has changed; a prime, so that they lie in no column. */
const sampleStep = 61;

type Size = { readonly widthPx: number; readonly heightPx: number };
type Split = {
  readonly frame: Frame;
  readonly bytes: readonly [Buffer, Buffer, Buffer];
  readonly planes: RgbPlanes;
};

/**
 * From what was grabbed (BGR0) to what is encoded: 4:2:0, BT.709, full range, so that all 256 grays survive. Most of what radiologists look
 * at is gray, and most of what is not does not change: luma of a gray pixel is any of its colours, and the scaler is asked only where much
 * has both colour and news. That takes 1 to 3 ms of a processor instead of 6 (1920×1080).
 *
 * Planes are looked at through the same few buffers all the time. A new `Frame.data` for each picture would look to V8 like 16 MB of new memory,
 * and make it collect garbage without a pause.
 */
export class Converter implements Disposable {
  /** The latest converted picture. Others may hold its memory, by a clone: then the next picture goes elsewhere. */
  readonly frame: Frame;
  readonly #size: Size;
  readonly #splitter: SoftwareScaleContext;
  readonly #scaler: SoftwareScaleContext;
  #now: Split;
  #former: Split;
  #yuv: YuvPlanes;
  #hasFormer = false;
  /** `frame` is the picture of `#former`. */
  #isFormerConverted = false;
  #isNowConverted = false;
  #isNeutral = false;
  #colouredLeft = 0;

  constructor(size: Size) {
    this.#size = size;
    this.#splitter = openScaler(SWS_POINT, 1);
    // Rounded the fast way, the chroma of every gray is one level low: a green tinge.
    this.#scaler = openScaler(SWS_BILINEAR | SWS_ACCURATE_RND, threads);
    this.#now = openSplit(size);
    this.#former = openSplit(size);
    this.frame = allocate(size, { format: AV_PIX_FMT_YUV420P, space: AVCOL_SPC_BT709 });
    this.#yuv = yuvPlanesOf(this.frame);
  }

  /** Takes the next picture. @returns false when every pixel is as it was in the one before. */
  take(raw: Frame): boolean {
    raw.colorSpace = AVCOL_SPC_RGB;
    raw.colorRange = AVCOL_RANGE_JPEG;
    [this.#now, this.#former] = [this.#former, this.#now];
    [this.#isFormerConverted, this.#isNowConverted] = [this.#isNowConverted, false];
    checked(this.#splitter.scaleFrameSync(this.#now.frame, raw), 'split into planes');
    const [now, former] = [this.#now.bytes, this.#former.bytes];
    const isAlike = this.#hasFormer && now.every((plane, index) => former[index]?.equals(plane));
    this.#hasFormer = true;
    this.#isNowConverted = isAlike && this.#isFormerConverted;
    return !isAlike;
  }

  /** Of the latest picture's pixels, those that are not as before, about; 0…1. */
  changedShare(): number {
    if (!this.#hasFormer) return 1;
    const [now, former] = [this.#now.planes.green, this.#former.planes.green];
    let changed = 0;
    for (let at = 0; at < now.length; at += sampleStep) if (now[at] !== former[at]) changed += 1;
    return changed / Math.ceil(now.length / sampleStep);
  }

  /** @param raw the picture that was taken last. */
  async convert(raw: Frame): Promise<void> {
    if (this.#isNowConverted) return;
    if (!this.frame.isWritable) {
      checked(this.frame.makeWritable(), 'leave the frame to who holds it');
      this.#yuv = yuvPlanesOf(this.frame);
    }
    if (!this.#takeGray()) {
      this.#isNeutral = false;
      if (!this.#mix()) checked(await this.#scaler.scaleFrame(this.frame, raw), 'convert');
    }
    this.#isNowConverted = true;
  }

  [Symbol.dispose](): void {
    this.#splitter.freeContext();
    this.#scaler.freeContext();
    this.#now.frame.free();
    this.#former.frame.free();
    this.frame.free();
  }

  /** A picture without any colour. */
  #takeGray(): boolean {
    const { bytes, planes } = this.#now;
    const [green, blue, red] = bytes;
    if (planes.stride !== this.#yuv.stride || !green.equals(blue) || !green.equals(red)) return false;
    this.#yuv.luma.set(planes.green);
    if (!this.#isNeutral) for (const plane of [this.#yuv.cb, this.#yuv.cr]) plane.fill(neutral);
    this.#isNeutral = true;
    return true;
  }

  #mix(): boolean {
    if (this.#colouredLeft > 0) {
      this.#colouredLeft -= 1;
      return false;
    }
    const former = this.#isFormerConverted ? this.#former.planes : undefined;
    const most = this.#size.widthPx * this.#size.heightPx * mostColoured;
    const isMixed = mixPlanes({ now: this.#now.planes, former, into: this.#yuv, ...this.#size, most });
    if (!isMixed) this.#colouredLeft = colouredPictures;
    return isMixed;
  }
}

function openScaler(flags: number, threadCount: number): SoftwareScaleContext {
  const scaler = new SoftwareScaleContext();
  // Without fixed formats the scaler obeys the colour tags of the frames.
  scaler.allocContext();
  checked(scaler.setOption('sws_flags', flags), 'set the scaler up');
  checked(scaler.setOption('threads', threadCount), 'set the scaler up');
  return scaler;
}

function openSplit(size: Size): Split {
  const frame = allocate(size, { format: AV_PIX_FMT_GBRP, space: AVCOL_SPC_RGB });
  const [green, blue, red] = planesOf(frame);
  if (!green || !blue || !red) throw new Error('A frame has no planes');
  // What is beside the rows is compared too.
  for (const plane of [green, blue, red]) plane.fill(0);
  return {
    frame,
    bytes: [green, blue, red],
    planes: { green: wordsOf(green), blue: wordsOf(blue), red: wordsOf(red), stride: strideOf(frame) },
  };
}

function allocate(
  { widthPx, heightPx }: Size,
  { format, space }: { format: Frame['format']; space: Frame['colorSpace'] },
): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.format = format;
  frame.width = widthPx;
  frame.height = heightPx;
  frame.colorSpace = space;
  frame.colorRange = AVCOL_RANGE_JPEG;
  checked(frame.allocBuffer(), 'allocate a frame');
  return frame;
}

function planesOf(frame: Frame): Buffer[] {
  const heights = frame.format === AV_PIX_FMT_YUV420P ? [1, 0.5, 0.5] : [1, 1, 1];
  return (frame.data ?? [])
    .slice(0, 3)
    .map((plane, index) =>
      plane.subarray(0, (frame.linesize[index] ?? 0) * Math.ceil(frame.height * (heights[index] ?? 1))),
    );
}

function yuvPlanesOf(frame: Frame): YuvPlanes {
  const [luma, cb, cr] = planesOf(frame);
  if (!luma || !cb || !cr) throw new Error('A frame has no planes');
  const chromaStride = (frame.linesize[1] ?? 0) / 2;
  return {
    luma: wordsOf(luma),
    cb: halfWordsOf(cb),
    cr: halfWordsOf(cr),
    stride: strideOf(frame),
    chromaStride,
  };
}

/** Rows are aligned to at least 16 bytes. */
function strideOf(frame: Frame): number {
  return (frame.linesize[0] ?? 0) / 4;
}

function wordsOf({ buffer, byteOffset, byteLength }: Buffer): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

function halfWordsOf({ buffer, byteOffset, byteLength }: Buffer): Uint16Array {
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
