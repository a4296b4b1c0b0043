import {
  AV_PIX_FMT_BGR0,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  SWS_ACCURATE_RND,
  SWS_BILINEAR,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { afterEach, describe, expect, it } from 'vitest';
import { Converter } from './converter.ts';

type Rgb = readonly [red: number, green: number, blue: number];
type Paint = (x: number, y: number) => Rgb;

const gray = (level: number): Rgb => [level, level, level];
const seeded = (x: number, y: number): number =>
  (Math.imul(x * 7_919 + y * 104_729 + 1, 2_654_435_761) >>> 8) & 0xff;

let stack: DisposableStack;
afterEach(() => stack[Symbol.dispose]());

/** Two sizes: rows that end with a group of pixels, and rows that do not. */
describe.each([
  { widthPx: 256, heightPx: 64 },
  { widthPx: 330, heightPx: 50 },
])('a picture of $widthPx × $heightPx', (size) => {
  function open(): Converter {
    stack = new DisposableStack();
    return stack.use(new Converter(size));
  }

  function picture(paint: Paint): Frame {
    const frame = stack.use(new Frame());
    frame.alloc();
    frame.format = AV_PIX_FMT_BGR0;
    frame.width = size.widthPx;
    frame.height = size.heightPx;
    frame.allocBuffer();
    const [bytes, stride] = [frame.data?.[0], frame.linesize[0] ?? 0];
    for (let y = 0; y < size.heightPx; y += 1)
      for (let x = 0; x < size.widthPx; x += 1) {
        const [red, green, blue] = paint(x, y);
        bytes?.set([blue, green, red, seeded(x, y)], y * stride + x * 4);
      }
    return frame;
  }

  function byScaler(raw: Frame): Frame {
    const frame = stack.use(new Frame());
    frame.alloc();
    frame.format = AV_PIX_FMT_YUV420P;
    frame.width = size.widthPx;
    frame.height = size.heightPx;
    frame.colorSpace = AVCOL_SPC_BT709;
    frame.colorRange = AVCOL_RANGE_JPEG;
    frame.allocBuffer();
    raw.colorSpace = AVCOL_SPC_RGB;
    raw.colorRange = AVCOL_RANGE_JPEG;
    const scaler = new SoftwareScaleContext();
    scaler.allocContext();
    scaler.setOption('sws_flags', SWS_BILINEAR | SWS_ACCURATE_RND);
    scaler.scaleFrameSync(frame, raw);
    scaler.freeContext();
    return frame;
  }

  async function show(converter: Converter, paint: Paint): Promise<boolean> {
    const raw = picture(paint);
    const hasChanged = converter.take(raw);
    await converter.convert(raw);
    return hasChanged;
  }

  it('keeps each of the 256 grays, and no colour', async () => {
    const converter = open();
    await show(converter, (x, y) => gray((x + y) % 256));
    const { luma, cb, cr } = planes(converter.frame);
    expect(luma).toEqual(each(size, (x, y) => (x + y) % 256));
    expect(new Set([...cb, ...cr])).toEqual(new Set([128]));
  });

  it('has the colours that FFmpeg’s scaler gives, where a part of it is coloured', async () => {
    const converter = open();
    const palette: Rgb[] = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [26, 27, 30],
      [250, 240, 3],
    ];
    const [left, top, side] = [40, 0, 8];
    const isColoured = (x: number, y: number): boolean => x >= left && x < left + 5 * side && y < side;
    const paint: Paint = (x, y) =>
      (isColoured(x, y) ? palette[(x - left) >> 3] : undefined) ?? gray(seeded(x, y));
    await show(converter, paint);
    const [ours, theirs] = [planes(converter.frame), planes(byScaler(picture(paint)))];
    expect(farthest(ours.luma, theirs.luma)).toBeLessThanOrEqual(1);
    palette.forEach((_, index) => {
      // In its middle: at edges each has its own way of mixing two colours.
      const middle = ((top + 4) / 2) * (size.widthPx / 2) + (left + index * side + 4) / 2;
      expect(Math.abs((ours.cb[middle] ?? 0) - (theirs.cb[middle] ?? 255))).toBeLessThanOrEqual(1);
      expect(Math.abs((ours.cr[middle] ?? 0) - (theirs.cr[middle] ?? 255))).toBeLessThanOrEqual(1);
    });
  });

  it('is by the scaler where much is coloured, and gray again after that', async () => {
    const converter = open();
    const colours: Paint = (x, y) => [seeded(x, y), x % 256, y];
    await show(converter, colours);
    expect(planes(converter.frame)).toEqual(planes(byScaler(picture(colours))));
    for (let turn = 0; turn < 25; turn += 1) {
      await show(converter, (x) => gray((x + turn) % 256));
      expect(planes(converter.frame).luma).toEqual(each(size, (x) => (x + turn) % 256));
    }
    expect(new Set(planes(converter.frame).cb)).toEqual(new Set([128]));
  });

  it('follows changes of a part, of gray to colour and back', async () => {
    const converter = open();
    const [first, second]: Paint[] = [
      (x, y) => (x < 20 && y < 20 ? [255, 0, 0] : gray(seeded(x, y))),
      (x, y) => (x >= 8 && x < 28 && y < 20 ? [0, 0, 255] : gray(seeded(x, y))),
    ];
    for (const paint of [first, second, first]) {
      if (!paint) continue;
      await show(converter, paint);
      const alone = new Converter(size);
      await show(alone, paint);
      expect(planes(converter.frame)).toEqual(planes(alone.frame));
      alone[Symbol.dispose]();
    }
  });

  it('has changed by a single pixel of a single colour, and not by what is no colour', async () => {
    const converter = open();
    const paint: Paint = (x, y) => gray(seeded(x, y));
    expect(await show(converter, paint)).toBe(true);
    expect(await show(converter, paint)).toBe(false);
    const another: Paint = (x, y) => (x === 9 && y === 7 ? [1, 2, 3] : paint(x, y));
    expect(await show(converter, another)).toBe(true);
    expect(await show(converter, another)).toBe(false);
    expect(await show(converter, paint)).toBe(true);
  });

  it('leaves alone what somebody holds', async () => {
    const converter = open();
    await show(converter, () => gray(10));
    const held = converter.frame.clone();
    if (!held) throw new Error('no clone');
    stack.use(held);
    await show(converter, () => gray(200));
    await show(converter, () => gray(201));
    expect(new Set(planes(held).luma)).toEqual(new Set([10]));
    expect(new Set(planes(converter.frame).luma)).toEqual(new Set([201]));
  });

  it('is converted, though others were taken and not converted before', async () => {
    const converter = open();
    await show(converter, () => gray(10));
    converter.take(picture((x) => gray(x % 256)));
    await show(converter, (x, y) => (y < 10 ? gray(x % 256) : gray(10)));
    expect(planes(converter.frame).luma).toEqual(each(size, (x, y) => (y < 10 ? x % 256 : 10)));
  });
});

type Planes = { readonly luma: number[]; readonly cb: number[]; readonly cr: number[] };

/** Without what is beside the rows. */
function planes(frame: Frame): Planes {
  const of = (index: number, width: number, height: number): number[] => {
    const [plane, stride] = [frame.data?.[index], frame.linesize[index] ?? 0];
    return Array.from({ length: height }, (_, y) => [
      ...(plane?.subarray(y * stride, y * stride + width) ?? []),
    ]).flat();
  };
  const { width, height } = frame;
  return { luma: of(0, width, height), cb: of(1, width / 2, height / 2), cr: of(2, width / 2, height / 2) };
}

function each(
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  level: (x: number, y: number) => number,
): number[] {
  return Array.from({ length: widthPx * heightPx }, (_, at) => level(at % widthPx, Math.floor(at / widthPx)));
}

function farthest(some: readonly number[], others: readonly number[]): number {
  return some.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - (others[index] ?? Number.NaN))),
    0,
  );
}
