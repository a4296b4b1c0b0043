import type { FrameLatency } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { FrameReporter } from './frame-reporter.ts';
import type { LatencySample } from './latency-matcher.ts';

const sample = (shownAt: number, totalMs: number): LatencySample => ({
  ...{ inputSequence: 0, sentAt: shownAt - totalMs, shownAt, totalMs },
  ...{ waitMs: 0, grabMs: 0, encodeMs: 0 },
});

function reporter(random: () => number) {
  const told: (readonly FrameLatency[])[] = [];
  const clock = { now: 0 };
  const tell = async (samples: readonly FrameLatency[]): Promise<void> => void told.push(samples);
  return { told, clock, reporter: new FrameReporter({ now: () => clock.now, random, tell }) };
}

it('tells one picture of ten seconds, once a minute, with how long ago it was', () => {
  const { told, clock, reporter: to } = reporter(() => 0.4);
  to.take([sample(1_000, 50), sample(2_000, 60), sample(3_000, 70)]);
  to.take([sample(12_000, 80)]);
  to.take([sample(25_000, 90)]);
  expect(told).toEqual([]);
  clock.now = 60_000;
  to.take([]);

  // The second took the place of the first (0.4 × 2 < 1), the third did not (0.4 × 3 > 1).
  expect(told).toEqual([
    [
      { agoMs: 58_000, latencyMs: 60 },
      { agoMs: 48_000, latencyMs: 80 },
    ],
  ]);
  clock.now = 120_000;
  to.take([sample(119_000, 40)]);
  expect(told[1]).toEqual([{ agoMs: 95_000, latencyMs: 90 }]);
});

it('prefers no picture of its ten seconds', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const counts = [0, 0, 0, 0];
  const { told, clock, reporter: to } = reporter(random);
  for (let slot = 0; slot < 4_000; slot += 1) {
    to.take([0, 1, 2, 3].map((index) => sample(slot * 10_000 + index, index)));
    clock.now = slot * 10_000;
  }
  for (const { latencyMs } of told.flat()) counts[latencyMs] = (counts[latencyMs] ?? 0) + 1;

  for (const count of counts) expect(count).toBeGreaterThan(850);
});
