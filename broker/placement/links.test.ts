import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateLink, joinPaths, observeLink, type LinkMeasure, type LinkRecord } from './links.ts';

const minuteMs = 60_000;

function observed(
  values: readonly number[],
  measure: LinkMeasure = 'kbps',
  everyMs = minuteMs,
): LinkRecord | undefined {
  return values.reduce<LinkRecord | undefined>(
    (known, value, index) => observeLink(measure, known, { value, atMs: index * everyMs }),
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

    expect(good?.typical).toBeCloseTo(100_000);
    expect(worse?.typical).toBeCloseTo(18_546, 0);
    expect(worse?.cautious).toBeLessThanOrEqual(10_000);
  });

  it('that breaks down is slow at once, and trusted again after a while', () => {
    const quick = Array.from({ length: 10 }, () => 300_000);
    const typical = (values: readonly number[]): number | undefined =>
      estimateLink('kbps', observed(values), values.length * minuteMs)?.typical;

    expect(typical([...quick, 400])).toBeLessThan(2_000);
    expect(typical([...quick, 400, ...quick])).toBeGreaterThan(15_000);
    expect(typical([...quick, 400, ...quick, ...quick, ...quick])).toBeGreaterThan(250_000);
  });

  it('has round trips that are averaged as they are', () => {
    expect(observed([10, 20], 'rttMs')?.average).toBe(12);
  });

  it('takes no nonsense for a measurement', () => {
    const known = observed([50]);

    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(observeLink('kbps', known, { value, atMs: 5_000 })).toBe(known);
  });

  it('starts anew when what is known is too old', () => {
    const record = observeLink('kbps', observed([1_000, 1_000]), { value: 50, atMs: 48 * 3_600_000 });

    expect(record).toEqual({ average: 50, recent: [50], measuredAtMs: 48 * 3_600_000 });
  });

  it('is doubted the more, the longer ago and the fewer times it was measured', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 12 * 3_600_000 }),
        (values, laterMs) => {
          const last = values.length * minuteMs;
          for (const measure of ['kbps', 'rttMs'] as const) {
            const record = observed(values, measure);
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
