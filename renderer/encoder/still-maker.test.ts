import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStill, restorePlane, type StillTile } from '@medusa/protocol';
import type { StillEvent } from './messages.ts';
import { StillMaker } from './still-maker.ts';
import { encodeTile, type Grab, hashPicture, tilesOf } from './still-tile.ts';

const report = (error: unknown): never => {
  throw error as Error;
};

/** What a viewer does: tiles onto a canvas of RGBA. */
function draw(canvas: Uint8Array, { picture, ...tile }: Omit<StillTile, 'kind' | 'generation'>): void {
  const planes = inflateRawSync(tile.deflated);
  const pixels = tile.widthPx * tile.heightPx;
  expect(planes.length).toBe(pixels * tile.channels);
  for (let plane = 0; plane < tile.channels; plane += 1)
    restorePlane(planes.subarray(plane * pixels, (plane + 1) * pixels), tile.widthPx);
  for (let at = 0; at < pixels; at += 1) {
    const green = planes[at] ?? 0;
    const [red, blue] =
      tile.channels === 1
        ? [green, green]
        : [green + (planes[pixels + at] ?? 0), green + (planes[2 * pixels + at] ?? 0)];
    const to = (tile.y + Math.floor(at / tile.widthPx)) * picture.widthPx + tile.x + (at % tile.widthPx);
    canvas.set([red & 0xff, green, blue & 0xff, 255], to * 4);
  }
}

function toRgba({ bytes }: Grab): Uint8Array {
  return Uint8Array.from(bytes, (_, index) =>
    index % 4 === 3 ? 255 : (bytes[index - (index % 4) + 2 - (index % 4)] ?? 0),
  );
}

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16;
};

function grabOf(size: { widthPx: number; heightPx: number }, isGray: boolean, seed = 1): Grab {
  const next = random(seed);
  const bytes = Buffer.alloc(size.widthPx * size.heightPx * 4);
  for (let at = 0; at < bytes.length; at += 4) {
    const level = next() & 0xff;
    bytes.set([level, isGray ? level : next() & 0xff, isGray ? level : next() & 0xff, 0], at);
  }
  return { bytes, ...size };
}

/** Listens to a maker as the SFU does, and keeps what its client would see. */
function listen(maker: StillMaker): { events: StillEvent[]; canvas: () => Uint8Array } {
  const events: StillEvent[] = [];
  let canvas = new Uint8Array();
  maker.events.on('still', (event) => {
    events.push(event);
    if (event.kind !== 'tile') return;
    const tile = decodeStill(Uint8Array.from(event.bytes));
    if (tile?.kind !== 'tile') throw new Error('no tile');
    const length = tile.picture.widthPx * tile.picture.heightPx * 4;
    if (canvas.length !== length) canvas = new Uint8Array(length);
    draw(canvas, tile);
  });
  return { events, canvas: () => canvas };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('tiles of a still', () => {
  it('are decoded to the very pixels, gray or not, whatever the size', async () => {
    const size = fc.record({
      widthPx: fc.integer({ min: 1, max: 600 }),
      heightPx: fc.integer({ min: 1, max: 140 }),
    });
    await fc.assert(
      fc.asyncProperty(size, fc.boolean(), fc.nat(), async (picture, isGray, seed) => {
        const grab = grabOf(picture, isGray, seed);
        const canvas = new Uint8Array(grab.bytes.length);

        for (const area of tilesOf(picture)) {
          const tile = await encodeTile(grab, area);
          if (isGray) expect(tile.channels).toBe(1);
          draw(canvas, { picture, ...area, ...tile });
        }

        expect(sha256(canvas)).toBe(sha256(toRgba(grab)));
        const hashed = await hashPicture(grab, new AbortController().signal);
        expect(Buffer.from(hashed ?? []).toString('hex')).toBe(sha256(canvas));
      }),
      { numRuns: 25 },
    );
  });
});

describe('StillMaker', () => {
  const size = { widthPx: 640, heightPx: 480 };

  it('tells a picture whole with its hash, and of the next one only what differs', async () => {
    const maker = new StillMaker(report);
    const { events, canvas } = listen(maker);
    const first = grabOf(size, true);
    maker.frameSent({ rtpTimestamp: 1, hasChanged: true });
    expect(maker.dueAtMs).toBe(Infinity);

    maker.want(true);
    expect(maker.dueAtMs).toBeLessThan(Infinity);
    maker.begin(first);
    await expect.poll(() => events.at(-1)).toMatchObject({ kind: 'whole', rtpTimestamp: 1 });
    expect(sha256(canvas())).toBe(sha256(toRgba(first)));
    expect(events.filter(({ kind }) => kind === 'tile')).toHaveLength(tilesOf(size).length);

    const second = { ...size, bytes: Buffer.from(first.bytes) };
    second.bytes.fill(0x55, 4 * (640 * 100 + 300), 4 * (640 * 100 + 301));
    const before = events.length;
    maker.frameSent({ rtpTimestamp: 2, hasChanged: true });
    maker.begin(second);
    await expect.poll(() => events.at(-1)).toMatchObject({ kind: 'whole', rtpTimestamp: 2 });
    expect(events.slice(before).map(({ kind }) => kind)).toEqual(['over', 'begun', 'tile', 'whole']);
    const whole = events.at(-1);
    expect(whole?.kind === 'whole' && Buffer.from(whole.sha256).toString('hex')).toBe(sha256(canvas()));
  });

  it('says that a frame which was only asked for shows the same', async () => {
    const maker = new StillMaker(report);
    const { events } = listen(maker);
    maker.want(true);
    maker.frameSent({ rtpTimestamp: 1, hasChanged: true });
    maker.begin(grabOf(size, true));
    await expect.poll(() => events.at(-1)?.kind).toBe('whole');

    maker.frameSent({ rtpTimestamp: 7, hasChanged: false });
    maker.disturbed();

    expect(events.at(-1)).toMatchObject({ kind: 'whole', generation: 1, rtpTimestamp: 7 });
    expect(maker.dueAtMs).toBe(Infinity);
  });

  it('stops at once for an input or a change, and tells later what it had not told', async () => {
    const maker = new StillMaker(report);
    const { events, canvas } = listen(maker);
    const grab = grabOf({ widthPx: 1_280, heightPx: 720 }, false);
    maker.want(true);
    maker.frameSent({ rtpTimestamp: 1, hasChanged: true });
    maker.begin(grab);
    await expect.poll(() => events.filter(({ kind }) => kind === 'tile').length).toBeGreaterThan(1);

    maker.disturbed();
    expect(events.at(-1)).toEqual({ kind: 'over' });
    const told = events.filter(({ kind }) => kind === 'tile').length;
    expect(maker.dueAtMs).toBeLessThan(Infinity);
    maker.begin(grab);

    await expect.poll(() => events.at(-1)?.kind).toBe('whole');
    expect(sha256(canvas())).toBe(sha256(toRgba(grab)));
    expect(events.filter(({ kind }) => kind === 'tile').length - told).toBeLessThan(tilesOf(grab).length);
  });

  it('tells all anew when somebody wants stills again, and in another size', async () => {
    const maker = new StillMaker(report);
    const { events, canvas } = listen(maker);
    const tiles = (): number => events.filter(({ kind }) => kind === 'tile').length;
    maker.want(true);
    maker.frameSent({ rtpTimestamp: 1, hasChanged: true });
    maker.begin(grabOf(size, true));
    await expect.poll(() => events.at(-1)?.kind).toBe('whole');

    maker.want(false);
    maker.want(true);
    maker.begin(grabOf(size, true));
    await expect.poll(() => events.at(-1)?.kind).toBe('whole');
    expect(tiles()).toBe(2 * tilesOf(size).length);

    const smaller = grabOf({ widthPx: 320, heightPx: 200 }, true);
    maker.frameSent({ rtpTimestamp: 2, hasChanged: true });
    maker.begin(smaller);
    await expect.poll(() => events.at(-1)).toMatchObject({ kind: 'whole', rtpTimestamp: 2 });
    expect(sha256(canvas())).toBe(sha256(toRgba(smaller)));
  });
});
