import { describe, expect, it } from 'vitest';
import { daysOfWeek, inputValue, overlapping, proposedTimes, spanOf, timesText, weekBegin } from './week.ts';

/** In the reader's own time, of March 2026; the 2nd is a Monday. */
function kept(from: [day: number, hour: number], to: [day: number, hour: number]) {
  const at = ([day, hour]: [number, number]): string => new Date(2026, 2, day, hour).toISOString();
  return { startsAt: at(from), endsAt: at(to) };
}

describe('the week of a calendar', () => {
  it('begins on Monday at midnight, whichever day it is', () => {
    const monday = new Date(2026, 2, 2);

    expect(weekBegin(new Date(2026, 2, 2))).toEqual(monday);
    expect(weekBegin(new Date(2026, 2, 8, 23, 59))).toEqual(monday);
    expect(weekBegin(new Date(2026, 2, 8, 23, 59), 1)).toEqual(new Date(2026, 2, 9));
  });

  it('has each reservation in the days that it touches, as parts of them', () => {
    const overnight = kept([3, 18], [4, 6]);

    const days = daysOfWeek([overnight], new Date(2026, 2, 2));

    expect(days).toHaveLength(7);
    expect(days.map(({ bars }) => bars.map(({ from, to }) => [from, to]))).toEqual([
      ...[[], [[0.75, 1]], [[0, 0.25]], [], [], [], []],
    ]);
  });

  it('lays those at the same time below each other, and one that follows beside', () => {
    const [first, second, later] = [kept([2, 8], [2, 12]), kept([2, 10], [2, 11]), kept([2, 12], [2, 13])];

    const [monday] = daysOfWeek([later, second, first], new Date(2026, 2, 2));

    expect(monday?.lanes).toBe(2);
    expect(monday?.bars.map(({ reservation, lane }) => [reservation, lane])).toEqual([
      ...[
        [first, 0],
        [second, 1],
        [later, 0],
      ],
    ]);
  });

  it('leaves out what only ends when a day begins', () => {
    const [, tuesday] = daysOfWeek([kept([2, 20], [3, 0])], new Date(2026, 2, 2));

    expect(tuesday?.bars).toEqual([]);
  });
});

describe('times that somebody wants', () => {
  it('are proposed from the next half hour on', () => {
    const { from, until } = proposedTimes(new Date(2026, 2, 2, 9, 12));

    expect([from, until]).toEqual(['2026-03-02T09:30', '2026-03-02T10:30']);
  });

  it('are read as they are written, and not at all while one is empty', () => {
    const at = new Date(2026, 2, 2, 9, 30);

    expect(spanOf(inputValue(at), '2026-03-02T10:30')?.startsAt).toBe(at.toISOString());
    expect(spanOf('', '2026-03-02T10:30')).toBeUndefined();
  });

  it('overlap with what shares a moment, not with what ends when they begin', () => {
    const [before, during] = [kept([2, 8], [2, 10]), kept([2, 10], [2, 14])];

    expect(overlapping(kept([2, 10], [2, 11]), [before, during])).toEqual([during]);
  });

  it('are told with one date when they have one', () => {
    expect(timesText(kept([2, 8], [2, 10]))).toBe('2026-03-02 08:00–10:00');
    expect(timesText(kept([2, 22], [3, 2]))).toBe('2026-03-02 22:00 – 2026-03-03 02:00');
  });
});
