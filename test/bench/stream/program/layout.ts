/**
 * Where things lie in the picture, in px. On top a strip with a marker, which changes between black and white with each input, and a
 * row of blocks, which counts the pictures; below it the scene. Everything keeps to the 16 px raster of a macroblock.
 */
export const stripPx = 96;
export const marker = { x: 32, y: 16, width: 64, height: 64 } as const;
/** A white block, the bits from the highest on, a bit that makes the number of white bits even, a black block. */
export const counter = { x: 128, y: 32, blockPx: 16, bits: 12 } as const;
/** All that has to be read of a picture: a row through the middle of the marker and of the blocks. */
export const probed = { x: 32, y: 32, width: 96 + (counter.bits + 3) * counter.blockPx, height: 16 } as const;

/** What the program is to show, beside a file of the pictures' bytes. */
export type Content = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Of the pictures below the strip, one after the other: gray, or red, green and blue. */
  readonly pictures: number;
  readonly bytesPerPixel: 1 | 3;
  /** A still scene changes with inputs only. */
  readonly picturesPerSecond: number;
};

/** Forth and back, so that no jump gives the scene a rest or a burst. */
export function pictureOf(count: number, pictures: number): number {
  const period = periodOf(pictures);
  const step = count % period;
  return step < pictures ? step : period - step;
}

/** Counts start again where the sequence of pictures does: a count names its picture for ever. */
export function countsOf(pictures: number): number {
  const period = periodOf(pictures);
  return Math.floor(2 ** counter.bits / period) * period;
}

export function blocksOf(count: number): boolean[] {
  const bits = Array.from(
    { length: counter.bits },
    (_, index) => ((count >> (counter.bits - 1 - index)) & 1) === 1,
  );
  const isOdd = bits.filter(Boolean).length % 2 === 1;
  return [true, ...bits, isOdd, false];
}

function periodOf(pictures: number): number {
  return Math.max(1, 2 * pictures - 2);
}
