import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';
import { predictPlane, type StillTile } from '@medusa/protocol';

/** What was grabbed: rows without padding of blue, green, red and a byte of nothing. Never written to again. */
export type Grab = { readonly bytes: Buffer; readonly widthPx: number; readonly heightPx: number };
export type Area = Pick<StillTile, 'x' | 'y' | 'widthPx' | 'heightPx'>;

/** Wide rather than high: a row is compared and copied in one piece, and a message stays below 32 kB whatever it shows. */
const tile = { widthPx: 256, heightPx: 64 };
const bytesPerPixel = 4;
/** Of noisy gray, runs alone pack as well as deflate's search for repetitions and in a fraction of its time. */
const packing = { level: 1, strategy: constants.Z_RLE, chunkSize: 64 * 1_024 };
const rowsHashedAtOnce = 64;
const deflate = promisify<Uint8Array, typeof packing, Buffer>(deflateRaw);

export function tilesOf({ widthPx, heightPx }: { widthPx: number; heightPx: number }): Area[] {
  const areas: Area[] = [];
  for (let y = 0; y < heightPx; y += tile.heightPx)
    for (let x = 0; x < widthPx; x += tile.widthPx)
      areas.push({
        ...{ x, y },
        widthPx: Math.min(tile.widthPx, widthPx - x),
        heightPx: Math.min(tile.heightPx, heightPx - y),
      });
  return areas;
}

export function isAlike(one: Grab, other: Grab, area: Area): boolean {
  return rowsOf(one, area).every(([from, to]) => one.bytes.compare(other.bytes, from, to, from, to) === 0);
}

export function copyArea(from: Grab, to: Grab, area: Area): void {
  for (const [begin, end] of rowsOf(from, area)) from.bytes.copy(to.bytes, begin, begin, end);
}

/** Gray as one plane; what has colour as green and the differences of red and blue to it, which are small where it is nearly gray. */
export async function encodeTile(grab: Grab, area: Area): Promise<Pick<StillTile, 'channels' | 'deflated'>> {
  const pixels = pixelsOf(grab);
  const gray = predictGray(pixels, grab.widthPx, area);
  const planes = gray ?? Buffer.concat(planesOf(pixels, grab.widthPx, area));
  const deflated = await deflate(planes, packing);
  return { channels: gray ? 1 : 3, deflated: new Uint8Array(deflated) };
}

/** SHA-256 of the picture as RGBA, alpha 255. Lets others have their turn between its parts; undefined when it was aborted. */
export async function hashPicture(
  grab: Grab,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pixels = pixelsOf(grab);
  const part = new Uint32Array(grab.widthPx * rowsHashedAtOnce);
  const hash = createHash('sha256');
  for (let from = 0; from < pixels.length; from += part.length) {
    await turn();
    if (signal.aborted) return undefined;
    const count = Math.min(part.length, pixels.length - from);
    for (let at = 0; at < count; at += 1) {
      const pixel = pixels[from + at] ?? 0;
      part[at] = 0xff000000 | ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >> 16) & 0xff);
    }
    hash.update(new Uint8Array(part.buffer, 0, count * bytesPerPixel));
  }
  return Uint8Array.from(hash.digest());
}

/** `predictPlane` of green, read where it lies; undefined when it is not all there is. */
function predictGray(
  pixels: Uint32Array,
  stride: number,
  { x, y, widthPx, heightPx }: Area,
): Uint8Array | undefined {
  const rest = new Uint8Array(widthPx * heightPx);
  let colour = 0;
  for (let row = 0, to = 0; row < heightPx; row += 1) {
    const begin = (y + row) * stride + x;
    let [left, aboveLeft] = [0, 0];
    for (let at = begin; at < begin + widthPx; at += 1, to += 1) {
      const pixel = pixels[at] ?? 0;
      const above = row === 0 ? 0 : ((pixels[at - stride] ?? 0) >> 8) & 0xff;
      const level = (pixel >> 8) & 0xff;
      colour |= (pixel ^ (pixel >> 8)) & 0xffff;
      rest[to] = level - left - above + aboveLeft;
      left = level;
      aboveLeft = above;
    }
    if (colour !== 0) return undefined;
  }
  return rest;
}

function planesOf(
  pixels: Uint32Array,
  stride: number,
  { x, y, widthPx, heightPx }: Area,
): readonly Uint8Array[] {
  const [green, red, blue] = [0, 1, 2].map(() => new Uint8Array(widthPx * heightPx)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (let row = 0, to = 0; row < heightPx; row += 1) {
    const begin = (y + row) * stride + x;
    for (let at = begin; at < begin + widthPx; at += 1, to += 1) {
      const pixel = pixels[at] ?? 0;
      const level = (pixel >> 8) & 0xff;
      green[to] = level;
      red[to] = (pixel >> 16) - level;
      blue[to] = pixel - level;
    }
  }
  return [green, red, blue].map((plane) => predictPlane(plane, widthPx));
}

function pixelsOf({ bytes }: Grab): Uint32Array {
  const aligned = bytes.byteOffset % bytesPerPixel === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / bytesPerPixel);
}

function rowsOf({ widthPx: stride }: Grab, { x, y, widthPx, heightPx }: Area): [number, number][] {
  return Array.from({ length: heightPx }, (_, row) => {
    const begin = ((y + row) * stride + x) * bytesPerPixel;
    return [begin, begin + widthPx * bytesPerPixel];
  });
}
