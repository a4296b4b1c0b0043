import { describe, expect, it } from 'vitest';
import { isAtOrAfter, LatencyMatcher } from './latency-matcher.ts';

const note = (rtpTimestamp: number, inputSequence: number) => ({
  rtpTimestamp,
  inputSequence,
  waitMs: 1,
  grabMs: 2,
  encodeMs: 3,
});

describe('LatencyMatcher', () => {
  it('measures when the note arrives before the frame is shown', () => {
    const matcher = new LatencyMatcher();
    matcher.sent(7, 100);

    expect(matcher.noted(note(9000, 7))).toBeUndefined();
    expect(matcher.shown(6000, 120)).toEqual([]);
    expect(matcher.shown(9000, 140)).toEqual([
      { inputSequence: 7, sentAt: 100, shownAt: 140, totalMs: 40, waitMs: 1, grabMs: 2, encodeMs: 3 },
    ]);
  });

  it('measures when the frame is shown before the note arrives', () => {
    const matcher = new LatencyMatcher();
    matcher.sent(7, 100);
    matcher.shown(9000, 130);
    matcher.shown(12000, 160);

    expect(matcher.noted(note(9000, 7))?.totalMs).toBe(30);
  });

  it('counts a dropped frame as shown with the next one', () => {
    const matcher = new LatencyMatcher();
    matcher.sent(7, 100);
    matcher.noted(note(9000, 7));

    expect(matcher.shown(12000, 170).map(({ totalMs }) => totalMs)).toEqual([70]);
  });

  it('answers nothing for inputs of somebody else, and once for its own', () => {
    const matcher = new LatencyMatcher();
    matcher.sent(7, 100);
    matcher.noted(note(9000, 8));
    matcher.noted(note(9000, 7));

    expect(matcher.shown(9000, 140)).toHaveLength(1);
    expect(matcher.shown(9000, 150)).toEqual([]);
  });

  it('outlives the wrap of the RTP clock', () => {
    expect(isAtOrAfter(10, 0xfffffff0)).toBe(true);
    expect(isAtOrAfter(0xfffffff0, 10)).toBe(false);
  });
});
