import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeStill, predictPlane, type StillTile } from '@medusa/protocol';
import { StillPicture } from './still-picture.ts';
import type { StillSurface } from './still-surface.ts';
import { decodeTile } from './still-tile.ts';

const picture = { widthPx: 8, heightPx: 4 };
const faults: unknown[] = [];
// Browsers have it, Node has not.
beforeAll(() => void Object.assign(globalThis, { reportError: (error: unknown) => faults.push(error) }));

/** A canvas in memory, of which a bit can be flipped. */
function memorySurface(): StillSurface & { readonly pixels: Uint8ClampedArray; isShown: boolean } {
  let size = { widthPx: 0, heightPx: 0 };
  const surface = {
    pixels: new Uint8ClampedArray(),
    isShown: false,
    resize(wanted: typeof size) {
      size = wanted;
      surface.pixels = new Uint8ClampedArray(size.widthPx * size.heightPx * 4);
    },
    draw({ x, y, widthPx }: Pick<StillTile, 'x' | 'y' | 'widthPx'>, pixels: Uint8ClampedArray) {
      for (let from = 0, row = y; from < pixels.length; from += widthPx * 4, row += 1)
        surface.pixels.set(pixels.subarray(from, from + widthPx * 4), (row * size.widthPx + x) * 4);
    },
    read: () => Uint8ClampedArray.from(surface.pixels),
    show(isShown: boolean) {
      surface.isShown = isShown;
    },
  };
  return surface;
}

const bytesOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);
const tile = (level: number, x = 0): Uint8Array<ArrayBuffer> =>
  encodeStill({
    ...{ kind: 'tile', generation: 1, picture, x, y: 0, widthPx: 4, heightPx: 4, channels: 1 },
    deflated: bytesOf(deflateRawSync(predictPlane(new Uint8Array(16).fill(level), 4))),
  });
const whole = (
  levels: readonly [number, number],
  rtpTimestamp: number,
  generation = 1,
): Uint8Array<ArrayBuffer> => {
  const rgba = Buffer.alloc(8 * 4 * 4);
  for (let at = 0; at < 32; at += 1) {
    const level = levels[at % 8 < 4 ? 0 : 1];
    rgba.set([level, level, level, 255], at * 4);
  }
  const sha256 = bytesOf(createHash('sha256').update(rgba).digest());
  return encodeStill({ kind: 'whole', generation, picture, rtpTimestamp, sha256 });
};

function open(): { still: StillPicture; surface: ReturnType<typeof memorySurface>; asks: () => number } {
  const surface = memorySurface();
  let asks = 0;
  const still = new StillPicture({ surface, askAnew: async () => void (asks += 1) });
  return { still, surface, asks: () => asks };
}

describe('decodeTile', () => {
  it('gives back the pixels of every tile', async () => {
    const given = fc.record({
      widthPx: fc.integer({ min: 1, max: 20 }),
      heightPx: fc.integer({ min: 1, max: 20 }),
      channels: fc.constantFrom(1 as const, 3 as const),
    });
    const pixels = fc.infiniteStream(fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(given, pixels, async ({ widthPx, heightPx, channels }, levels) => {
        const rgb = Array.from({ length: widthPx * heightPx }, (): [number, number, number] => {
          const [red = 0, green = 0, blue = 0] = levels.take(3);
          return channels === 1 ? [green, green, green] : [red, green, blue];
        });
        const green = Uint8Array.from(rgb, ([, level]) => level);
        const red = Uint8Array.from(rgb, ([level, base]) => level - base);
        const blue = Uint8Array.from(rgb, ([, base, level]) => level - base);
        const planes = channels === 1 ? [green] : [green, red, blue];
        const deflated = bytesOf(
          deflateRawSync(Buffer.concat(planes.map((plane) => predictPlane(plane, widthPx)))),
        );

        const decoded = await decodeTile({
          ...{ kind: 'tile', generation: 1, picture: { widthPx, heightPx }, x: 0, y: 0 },
          ...{ widthPx, heightPx, channels, deflated },
        });

        expect([...decoded]).toEqual(rgb.flatMap((colours) => [...colours, 255]));
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a tile that holds more or fewer pixels than it says', async () => {
    const of = async (count: number): Promise<unknown> =>
      decodeTile({
        ...{ kind: 'tile', generation: 1, picture, x: 0, y: 0, widthPx: 4, heightPx: 4, channels: 1 },
        deflated: bytesOf(deflateRawSync(new Uint8Array(count))),
      });
    await expect(of(15)).rejects.toThrow(RangeError);
    await expect(of(100_000)).rejects.toThrow(RangeError);
  });
});

describe('StillPicture', () => {
  it('is verified when all its pixels have the hash told, and shown only then', async () => {
    const { still, surface } = open();
    still.frameShown(100);
    expect(still.state.get()).toBe('moving');

    still.take(tile(7));
    still.take(tile(9, 4));
    still.take(whole([7, 9], 100));

    await expect.poll(() => still.state.get()).toBe('verified');
    expect(surface.isShown).toBe(true);
    still.close();
    expect(surface.isShown).toBe(false);
  });

  it('makes way for a newer frame, also when the timestamps wrap, and not for one that shows the same', async () => {
    const { still, surface } = open();
    still.take(tile(7));
    still.take(tile(9, 4));
    still.take(whole([7, 9], 0xffff_fff0));
    await expect.poll(() => still.state.get()).toBe('verified');

    still.take(whole([7, 9], 5));
    await expect.poll(() => still.state.get()).toBe('verified');
    still.frameShown(0xffff_fff0);
    still.frameShown(5);
    expect(surface.isShown).toBe(true);

    still.frameShown(6);
    expect(still.state.get()).toBe('moving');
    expect(surface.isShown).toBe(false);

    still.take(whole([7, 9], 6));
    await expect.poll(() => still.state.get()).toBe('verified');
    still.close();
  });

  it('hides before the first pixel of another still is drawn', async () => {
    const { still, surface } = open();
    still.take(tile(7));
    still.take(tile(9, 4));
    still.take(whole([7, 9], 1));
    await expect.poll(() => surface.isShown).toBe(true);

    still.take(tile(8));
    await expect.poll(() => surface.pixels[0]).toBe(8);
    expect(surface.isShown).toBe(false);

    still.take(whole([8, 9], 1, 2));
    await expect.poll(() => still.state.get()).toBe('verified');
    still.close();
  });

  it('makes way for an input, and comes back when nothing answers it', async () => {
    const { still, surface } = open();
    still.take(tile(7));
    still.take(tile(9, 4));
    still.take(whole([7, 9], 1));
    await expect.poll(() => surface.isShown).toBe(true);

    still.inputSent({ kind: 'move' });
    expect(surface.isShown).toBe(true);
    still.inputSent({ kind: 'key', isDown: true, keysym: 0xffe3 });
    expect(still.state.get()).toBe('verified');
    expect(still.provenHash).toMatch(/^[0-9a-f]{64}$/);
    still.inputSent({ kind: 'key', isDown: true, keysym: 0x61 });
    expect(still.provenHash).toBeUndefined();
    expect([surface.isShown, still.state.get()]).toEqual([false, 'moving']);

    await expect.poll(() => still.state.get()).toBe('verified');
    still.close();
  });

  it('finds a flipped bit, tells it once, and asks for all of it anew', async () => {
    const { still, surface, asks } = open();
    still.take(tile(7));
    still.take(tile(9, 4));
    still.take(whole([7, 9], 1));
    await expect.poll(() => still.state.get()).toBe('verified');
    faults.length = 0;

    surface.pixels[22] = (surface.pixels[22] ?? 0) ^ 1;
    still.check();

    await expect.poll(() => still.state.get()).toBe('mismatch');
    expect([surface.isShown, asks(), still.mismatches.get(), faults.length]).toEqual([false, 1, 1, 1]);
    // Another still that leaves the wrong pixel where it is.
    still.take(tile(9, 4));
    still.take(whole([7, 9], 1));
    await expect.poll(() => still.state.get()).toBe('mismatch');
    expect([asks(), still.mismatches.get()]).toEqual([1, 1]);

    still.take(tile(7));
    still.take(whole([7, 9], 1));
    await expect.poll(() => still.state.get()).toBe('verified');
    still.close();
  });

  it('says that a picture is lossy that rests without a still', async () => {
    const { still } = open();
    still.frameShown(1);
    await expect.poll(() => still.state.get(), { timeout: 5_000 }).toBe('lossy');
    still.frameShown(2);
    expect(still.state.get()).toBe('moving');
    still.close();
  });
});
