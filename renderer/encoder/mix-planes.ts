/** Four pixels a word, `stride` words a row. */
export type RgbPlanes = {
  readonly green: Int32Array;
  readonly blue: Int32Array;
  readonly red: Int32Array;
  readonly stride: number;
};

/** 4:2:0: under two rows of four pixels lie two bytes of each chroma. */
export type YuvPlanes = {
  readonly luma: Int32Array;
  readonly cb: Uint16Array;
  readonly cr: Uint16Array;
  readonly stride: number;
  readonly chromaStride: number;
};

export type Mix = {
  readonly now: RgbPlanes;
  /** Whose picture `into` holds; undefined: it holds none. */
  readonly former: RgbPlanes | undefined;
  readonly into: YuvPlanes;
  readonly widthPx: number;
  /** Even. */
  readonly heightPx: number;
  /** So many pixels may be coloured and new. */
  readonly most: number;
};

const pixelsOfAGroup = 8;
/** Two bytes of chroma without colour. */
export const neutral = 0x8080;

/** BT.709 (ITU-R BT.709-6 §3), full range, in parts of 2^16 that sum up to it: luma of a gray is that gray. */
const luma = { red: 13_933, green: 46_871, blue: 4_732 } as const;
const half = 1 << 15;
/** Of the difference of a colour and luma, both summed over four pixels. */
const chroma = { blue: 1 / (4 * 1.8556), red: 1 / (4 * 1.5748) } as const;

/**
 * Brings `into` up to date in groups of two rows of four pixels: as before, gray, or coloured.
 * @returns false when there is too much colour; then `into` is good for nothing.
 */
export function mixPlanes({ now, former, into, widthPx, heightPx, most }: Mix): boolean {
  const { green, stride } = now;
  const words = Math.ceil(widthPx / 4);
  let left = Math.floor(most / pixelsOfAGroup);
  // Nothing is made in here but numbers: it runs 260,000 times a picture (1920×1080).
  for (let pair = 0; pair < heightPx >> 1; pair += 1) {
    let upper = 2 * pair * stride;
    let lumaAt = 2 * pair * into.stride;
    let chromaAt = pair * into.chromaStride;
    for (const end = upper + words; upper < end; upper += 1, lumaAt += 1, chromaAt += 1) {
      const lower = upper + stride;
      if (isGray(now, upper) && isGray(now, lower)) {
        into.luma[lumaAt] = green[upper] ?? 0;
        into.luma[lumaAt + into.stride] = green[lower] ?? 0;
        into.cb[chromaAt] = neutral;
        into.cr[chromaAt] = neutral;
      } else if (!isAsBefore(now, former, upper)) {
        left -= 1;
        if (left < 0) return false;
        into.luma[lumaAt] = lumaOf(now, upper);
        into.luma[lumaAt + into.stride] = lumaOf(now, lower);
        into.cb[chromaAt] = chromaOf(now, 'blue', upper);
        into.cr[chromaAt] = chromaOf(now, 'red', upper);
      }
    }
  }
  return true;
}

function isGray({ red, green, blue }: RgbPlanes, at: number): boolean {
  return green[at] === blue[at] && green[at] === red[at];
}

/** Of both rows. */
function isAsBefore(now: RgbPlanes, former: RgbPlanes | undefined, upper: number): boolean {
  if (!former) return false;
  for (let at = upper; at <= upper + now.stride; at += now.stride)
    if (
      now.green[at] !== former.green[at] ||
      now.blue[at] !== former.blue[at] ||
      now.red[at] !== former.red[at]
    )
      return false;
  return true;
}

function lumaOf({ red, green, blue }: RgbPlanes, at: number): number {
  const r = red[at] ?? 0;
  const g = green[at] ?? 0;
  const b = blue[at] ?? 0;
  let word = 0;
  for (let shift = 0; shift < 32; shift += 8) {
    const weighed =
      luma.red * ((r >>> shift) & 0xff) +
      luma.green * ((g >>> shift) & 0xff) +
      luma.blue * ((b >>> shift) & 0xff);
    word |= ((weighed + half) >> 16) << shift;
  }
  return word;
}

/** Of the left and the right square of four pixels, by how far this colour is from luma. */
function chromaOf(planes: RgbPlanes, colour: 'blue' | 'red', upper: number): number {
  const { red, green, blue, stride } = planes;
  const lower = upper + stride;
  let word = 0;
  for (let shift = 0; shift < 32; shift += 16) {
    const r = sumOf((red[upper] ?? 0) >>> shift, (red[lower] ?? 0) >>> shift);
    const g = sumOf((green[upper] ?? 0) >>> shift, (green[lower] ?? 0) >>> shift);
    const b = sumOf((blue[upper] ?? 0) >>> shift, (blue[lower] ?? 0) >>> shift);
    const y = (luma.red * r + luma.green * g + luma.blue * b) / 65_536;
    const difference = (colour === 'blue' ? b : r) - y;
    word |= Math.min(255, Math.floor(difference * chroma[colour] + 128.5)) << (shift >> 1);
  }
  return word;
}

/** Of the lower two bytes of both. */
function sumOf(above: number, below: number): number {
  return (above & 0xff) + ((above >>> 8) & 0xff) + (below & 0xff) + ((below >>> 8) & 0xff);
}
