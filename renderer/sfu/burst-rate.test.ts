import { describe, expect, it } from 'vitest';
import { createBurstRate, type BurstRate } from './burst-rate.ts';

const slowKbps = 5_000;
/** Sizes of pictures as an encoder makes them, small ones among them. */
const sizes = [4_000, 14_000, 16_500, 13_000, 15_500, 17_000, 12_000];

/** Thirty frames a second over a path that carries `kbps`; one in six is late by a resend. */
function send(
  rate: BurstRate,
  frames: { readonly from: number; readonly to: number },
  path: { readonly kbps: number; readonly delayMs: (frame: number) => number },
): void {
  for (let frame = frames.from; frame < frames.to; frame += 1) {
    const bytes = sizes[frame % sizes.length] ?? 0;
    const resendMs = frame % 6 === 5 ? 90 : 0;
    const delayMs = path.delayMs(frame) + (bytes * 8) / path.kbps + resendMs;
    rate.take({ bytes, delayMs, atMs: frame * 33 });
  }
}

describe('BurstRate', () => {
  it('knows after a few frames what a path carries that was not filled yet', () => {
    const rate = createBurstRate();
    send(rate, { from: 0, to: 4 }, { kbps: slowKbps, delayMs: () => 40 });
    expect(rate.kbps).toBeUndefined();
    send(rate, { from: 4, to: 10 }, { kbps: slowKbps, delayMs: () => 40 });
    expect(rate.kbps).toBeCloseTo(slowKbps, 0);
    expect(rate.knownAtMs).toBe(9 * 33);
  });

  it('does not believe the old rate when as many bytes come sooner', () => {
    const rate = createBurstRate();
    send(rate, { from: 0, to: 60 }, { kbps: slowKbps, delayMs: () => 40 });
    send(rate, { from: 61, to: 62 }, { kbps: 100_000, delayMs: () => 1 });
    expect(rate.kbps).toBeUndefined();
    send(rate, { from: 62, to: 120 }, { kbps: 100_000, delayMs: () => 1 });
    expect(rate.kbps).toBeGreaterThan(50_000);
  });

  it('is not misled by clocks that drift apart, or by a longer path', () => {
    const rate = createBurstRate();
    const drift = (frame: number): number => 40 + frame * 33 * 1e-4;
    send(rate, { from: 0, to: 6_000 }, { kbps: slowKbps, delayMs: drift });
    expect(rate.kbps).toBeGreaterThan(0.8 * slowKbps);

    const longer = createBurstRate();
    send(longer, { from: 0, to: 300 }, { kbps: slowKbps, delayMs: () => 10 });
    send(longer, { from: 300, to: 700 }, { kbps: slowKbps, delayMs: () => 60 });
    expect(longer.kbps).toBeCloseTo(slowKbps, -2);
  });

  it('says nothing of frames that are all alike', () => {
    const rate = createBurstRate();
    for (let frame = 0; frame < 100; frame += 1) rate.take({ bytes: 15_000, delayMs: 64, atMs: frame * 33 });
    expect(rate.kbps).toBeUndefined();
  });
});
