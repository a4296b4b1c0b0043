import { describe, expect, it } from 'vitest';
import { type Seen, watchOverLossyLine } from '../test-support/lossy-line.ts';

const line = { kbps: 5_000, delayMs: 40, queueBytes: 62_500, lossShare: 0.01 };
const settledMs = 6_000;

/** Numerical Recipes' linear congruential generator: the same losses each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

function delaysOf(seen: readonly Seen[]): { p95: number; most: number } {
  const delays = seen.filter(({ sentMs }) => sentMs > settledMs).map(({ delayMs }) => delayMs);
  delays.sort((one, other) => one - other);
  return { p95: delays[Math.floor(0.95 * delays.length)] ?? NaN, most: delays.at(-1) ?? NaN };
}

describe.each([1, 2, 3, 4, 5])('a line of 5 Mbit/s, 80 ms there and back, that loses 1 %% (%i)', (seed) => {
  it.each([
    ['more than the line carries', 40_000],
    ['about what the line carries', 18_000],
    ['less', 9_000],
  ])('shows pictures without waiting for resends when they need %s', (_, mostFrameBytes) => {
    const watch = (mayDouble: boolean): Seen[] =>
      watchOverLossyLine(line, { seconds: 60, mostFrameBytes, mayDouble }, seeded(seed));
    const [once, twice] = [watch(false), watch(true)];

    expect(delaysOf(once).p95).toBeGreaterThan(130);
    expect(delaysOf(twice).p95).toBeLessThan(0.6 * delaysOf(once).p95);
    expect(delaysOf(twice).most).toBeLessThan(500);
    const settled = twice.filter(({ sentMs }) => sentMs > settledMs);
    expect(settled.filter(({ isDoubled }) => isDoubled).length).toBeGreaterThan(0.95 * settled.length);
  });
});
