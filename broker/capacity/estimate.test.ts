import { describe, expect, it } from 'vitest';
import { estimateWaitSeconds } from './estimate.ts';

describe('estimateWaitSeconds', () => {
  it.each([
    ['nothing runs', { position: 1, slots: 1, runningSeconds: [], recentSeconds: [600] }, null],
    ['there are no slots', { position: 1, slots: 0, runningSeconds: [10], recentSeconds: [600] }, null],
    [
      'the next waits for the oldest',
      { position: 1, slots: 2, runningSeconds: [100, 500], recentSeconds: [600] },
      100,
    ],
    [
      'the second waits for the other',
      { position: 2, slots: 2, runningSeconds: [100, 500], recentSeconds: [600] },
      500,
    ],
    [
      'the third waits for the first of the queue',
      { position: 3, slots: 2, runningSeconds: [100, 500], recentSeconds: [600] },
      700,
    ],
    [
      'one that runs over ends soon',
      { position: 1, slots: 1, runningSeconds: [9_000], recentSeconds: [600] },
      5,
    ],
    [
      'without experience a quarter of an hour',
      { position: 1, slots: 1, runningSeconds: [0], recentSeconds: [] },
      900,
    ],
    [
      'an outlier does not count',
      { position: 1, slots: 1, runningSeconds: [0], recentSeconds: [60, 60, 86_400] },
      60,
    ],
  ])('%s', (_name, facts, expected) => {
    expect(estimateWaitSeconds(facts)).toBe(expected);
  });
});
