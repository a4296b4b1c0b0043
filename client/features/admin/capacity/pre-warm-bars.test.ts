import { describe, expect, it } from 'vitest';
import { barsOf } from './pre-warm-bars.ts';

describe('the bars of pre-warming', () => {
  it('stack what came before what did not, and leave out what there is none of', () => {
    const from = '2026-03-02T00:00:00Z';
    const { bars, top } = barsOf([
      { from, hits: 3, late: 0, misses: 2, unforeseen: 1 },
      { from, hits: 0, late: 0, misses: 0, unforeseen: 0 },
    ]);

    expect(top).toBe(6);
    expect(bars.map(({ parts }) => parts)).toEqual([
      [
        { part: 'hits', from: 0, count: 3 },
        { part: 'unforeseen', from: 3, count: 1 },
        { part: 'misses', from: 4, count: 2 },
      ],
      [],
    ]);
  });

  it('are low when there is little', () => {
    expect(barsOf([]).top).toBe(4);
  });
});
