import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateLink, joinPaths, observeLink, type LinkRecord } from './links.ts';

const minuteMs = 60_000;

function observed(values: readonly number[], everyMs = minuteMs): LinkRecord | undefined {
  return values.reduce<LinkRecord | undefined>(
    (known, value, index) => observeLink(known, value, index * everyMs),
    undefined,
  );
}

describe('a measured link', () => {
  it('is not known before it was measured, nor a day after', () => {
    const record = observed([1_000]);

    expect(estimateLink('kbps', undefined, 0)).toBeNull();
    expect(estimateLink('kbps', record, 25 * 3_600_000)).toBeNull();
    expect(estimateLink('kbps', record, 23 * 3_600_000)).not.toBeNull();
  });

  it('follows a path that becomes slower, and remembers its bad days', () => {
    const steady = Array.from({ length: 20 }, () => 100_000);
    const now = 20 * minuteMs;

    const good = estimateLink('kbps', observed(steady), now);
    const worse = estimateLink('kbps', observed([...steady, 10_000, 10_000, 10_000]), now + 3 * minuteMs);

    expect(good?.typical).toBe(100_000);
    expect(worse?.typical).toBeCloseTo(56_080, 0);
    expect(worse?.cautious).toBeLessThanOrEqual(10_000);
  });

  it('takes no nonsense for a measurement', () => {
    const known = observed([50]);

    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(observeLink(known, value, 5_000)).toBe(known);
  });

  it('starts anew when what is known is too old', () => {
    const record = observeLink(observed([1_000, 1_000]), 50, 48 * 3_600_000);

    expect(record).toEqual({ average: 50, recent: [50], measuredAtMs: 48 * 3_600_000 });
  });

  it('is doubted the more, the longer ago and the fewer times it was measured', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 12 * 3_600_000 }),
        (values, laterMs) => {
          const record = observed(values);
          const last = values.length * minuteMs;
          for (const measure of ['kbps', 'rttMs'] as const) {
            const fresh = estimateLink(measure, record, last);
            const stale = estimateLink(measure, record, last + laterMs);
            const isWorse = measure === 'kbps' ? -1 : 1;
            if (!fresh || !stale) throw new Error('A fresh link is known');
            expect(stale.typical).toBe(fresh.typical);
            expect((stale.cautious - fresh.cautious) * isWorse).toBeGreaterThanOrEqual(0);
            expect((fresh.cautious - fresh.typical) * isWorse).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  it('of which only the ways to a third place are known is as slow as the slower, and at worst as long as both', () => {
    const near = { kbps: { typical: 1_000, cautious: 500 }, rttMs: { typical: 1, cautious: 2 } };
    const far = { kbps: { typical: 300, cautious: 100 }, rttMs: { typical: 30, cautious: 60 } };

    expect(joinPaths(near, far)).toEqual({
      kbps: { typical: 300, cautious: 100 },
      rttMs: { typical: 30, cautious: 62 },
    });
    expect(joinPaths(near, { kbps: null, rttMs: null })).toEqual({ kbps: null, rttMs: null });
  });
});
