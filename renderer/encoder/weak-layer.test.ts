import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualDisplay } from '../display/index.ts';
import { Drawing } from '../test-support/drawing.ts';
import { H264Decoder } from '../test-support/h264-decoder.ts';
import { type AccessUnit, EncoderProcess } from './index.ts';

const size = { widthPx: 640, heightPx: 480 };
const report = (error: unknown): void => {
  throw error as Error;
};
let cleanup: AsyncDisposableStack;
let display: VirtualDisplay;
let encoder: EncoderProcess;
let units: AccessUnit[];

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-weak-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  const options = { size, folder, uid: null, report };
  display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
  const { address, xauthorityFile } = display;
  const rates = { framesPerSecond: 60, kbps: 8_000, thrift: 'plenty' } as const;
  encoder = cleanup.use(
    await EncoderProcess.open(
      { address, xauthorityFile, size, ...rates },
      report,
      AbortSignal.timeout(20_000),
    ),
  );
  units = [];
  encoder.events.on('access-unit', (unit) => units.push(unit));
});
afterEach(async () => cleanup.disposeAsync());

const of = (layer: AccessUnit['layer']): AccessUnit[] => units.filter((unit) => unit.layer === layer);
const cover = { x: 0, y: 0, width: 640, height: 480 };

describe('the weak layer', () => {
  it('is made from the wish for it until nobody wants it, beginning with a keyframe, also of a picture at rest', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window(cover, { backgroundPixel: 0x404040 });
    await expect.poll(() => of('main').length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(of('weak')).toEqual([]);

    encoder.setWeakBitrate(1_000);
    await expect.poll(() => of('weak').length, { timeout: 10_000 }).toBeGreaterThan(0);
    const decoder = await H264Decoder.open();
    expect(of('weak')[0]?.isKeyframe).toBe(true);
    expect(decoder.decode(of('weak')[0]?.bytes ?? new Uint8Array())).toMatchObject({
      width: 320,
      height: 240,
    });

    encoder.setWeakBitrate(null);
    const before = of('main').length;
    await drawing.paint(window, 0xffffff);
    await expect.poll(() => of('main').length, { timeout: 10_000 }).toBeGreaterThan(before + 2);
    const last = units.findLastIndex(({ layer }) => layer === 'weak');
    expect(units.slice(last).some(({ layer }) => layer === 'main')).toBe(true);
    expect(of('weak').filter(({ isKeyframe }) => isKeyframe)).toHaveLength(1);
  });

  it('has fewer pictures than the main layer, each after the main one of the same moment, and the last one in any case', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window(cover, { backgroundPixel: 0 });
    encoder.setWeakBitrate(1_000);
    await expect.poll(() => of('weak').length, { timeout: 10_000 }).toBeGreaterThan(0);

    for (let step = 1; step <= 60; step += 1) {
      const before = of('main').length;
      await drawing.paint(window, step * 0x030303);
      await expect.poll(() => of('main').length, { interval: 2 }).toBeGreaterThan(before);
    }

    const decoder = await H264Decoder.open();
    let decoded = 0;
    let luma: number | undefined;
    await expect
      .poll(
        () => {
          const weak = of('weak');
          for (const { bytes } of weak.slice(decoded)) luma = decoder.decode(bytes)?.luma(160, 120);
          decoded = weak.length;
          return Math.abs((luma ?? -1) - 60 * 3);
        },
        { timeout: 10_000 },
      )
      .toBeLessThanOrEqual(2);
    expect(of('weak').length).toBeLessThan(of('main').length);
    for (const [index, { layer, rtpTimestamp }] of units.entries()) {
      if (layer === 'main') continue;
      const earlier = units.slice(0, index).filter((unit) => unit.layer === 'main');
      // The same once more is of the moments right after.
      const moments = [rtpTimestamp, rtpTimestamp - 1, rtpTimestamp - 2];
      expect(earlier.some((unit) => moments.includes(unit.rtpTimestamp))).toBe(true);
    }
  });

  it('sharpens what rests by itself: the main layer is not sent again for it where a still does better', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window(cover, { backgroundPixel: 0 });
    encoder.wantStills(true);
    encoder.setWeakBitrate(1_000);
    // It is sharp: the picture has rested.
    await expect.poll(() => of('weak').length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);

    const before = { main: of('main').length, weak: of('weak').length };
    await drawing.paint(window, 0xa0a0a0);
    await expect.poll(() => of('weak').length, { timeout: 10_000 }).toBeGreaterThanOrEqual(before.weak + 3);
    expect(of('main').length).toBe(before.main + 1);

    const decoder = await H264Decoder.open();
    let luma: number | undefined;
    for (const { bytes } of of('weak')) luma = decoder.decode(bytes)?.luma(160, 120);
    expect(Math.abs((luma ?? 0) - 0xa0)).toBeLessThanOrEqual(2);
  });

  it('is smaller still at the lowest rates, and its keyframes are its own', async () => {
    encoder.setWeakBitrate(500);
    await expect.poll(() => of('weak').length, { timeout: 10_000 }).toBeGreaterThan(0);
    const decoder = await H264Decoder.open();
    const sizeOf = (unit: AccessUnit | undefined): unknown => decoder.decode(unit?.bytes ?? new Uint8Array());
    expect(sizeOf(of('weak')[0])).toMatchObject({ width: 214, height: 160 });
    const keyframes = (layer: AccessUnit['layer']): number =>
      of(layer).filter(({ isKeyframe }) => isKeyframe).length;
    const before = { main: keyframes('main'), weak: keyframes('weak') };

    encoder.requestKeyframe('weak');
    await expect.poll(() => keyframes('weak'), { timeout: 10_000 }).toBe(before.weak + 1);
    expect(keyframes('main')).toBe(before.main);

    encoder.setWeakBitrate(1_500);
    encoder.requestKeyframe('weak');
    await expect
      .poll(() => sizeOf(of('weak').at(-1)), { timeout: 10_000 })
      .toMatchObject({ width: 320, height: 240 });
  });
});
