import { describe, expect, it } from 'vitest';
import { errorBudget, findBurnAlert } from './budget.ts';
import type { IndicatorEvent } from './indicators.ts';

const minuteMs = 60_000;
const slo = { target: 0.999, isGood: ({ value }: IndicatorEvent) => value >= 1 };

/** Ten events a minute; from minute `from` to minute `to` this part of them is bad, evenly. */
function stream(
  badPart: number,
  { from, to, minutes }: { from: number; to: number; minutes: number },
): readonly IndicatorEvent[] {
  let debt = 0;
  return Array.from({ length: minutes * 10 }, (_, index) => {
    const minute = index / 10;
    if (minute >= from && minute < to) debt += badPart;
    const isBad = debt >= 1 - 1e-9;
    if (isBad) debt -= 1;
    const facts = { service: 's', item: 'i', conditions: {}, indicator: 'session.availability' };
    return { id: String(index), atMs: minute * minuteMs, value: isBad ? 0 : 1, ...facts };
  });
}

/** After how many minutes of the fault which alert is told, looked at each minute (a slow one each two hours). */
function detect(badPart: number): string {
  const from = 3 * 24 * 60;
  const minutes = from + 3 * 24 * 60 + 60;
  const events = stream(badPart, { from, to: minutes, minutes });
  const perMinute = 10;
  for (let minute = from + 1; minute < minutes; minute += badPart < 0.01 ? 120 : 1) {
    const near = events.slice(Math.max(0, (minute - 4_321) * perMinute), minute * perMinute + 1);
    const alert = findBurnAlert(slo, near, { nowMs: minute * minuteMs, minimumSamples: 20 });
    if (alert) return `${alert.severity} after ${minute - from} min`;
  }
  return 'nothing';
}

describe('findBurnAlert', () => {
  it.each([
    [1, 'page after 1 min'],
    [0.5, 'page after 2 min'],
    [0.1, 'page after 9 min'],
    [0.0145, 'page after 62 min'],
    [0.0005, 'nothing'],
  ])('with a part of %s bad: %s', (badPart, expected) => {
    expect(detect(badPart)).toBe(expected);
  });

  it('ends soon after the cause has gone', () => {
    const events = stream(1, { from: 100, to: 110, minutes: 200 });
    const at = (minute: number): unknown =>
      findBurnAlert(slo, events, { nowMs: minute * minuteMs, minimumSamples: 20 })?.severity;
    expect(at(110)).toBe('page');
    expect(at(141)).not.toBe('page');
  });

  it('says nothing of a handful of events', () => {
    const events = stream(1, { from: 0, to: 1, minutes: 1 });
    expect(findBurnAlert(slo, events, { nowMs: minuteMs, minimumSamples: 20 })).toBeUndefined();
  });
});

describe('errorBudget', () => {
  it('is what the objective leaves', () => {
    const events = stream(0.0005, { from: 0, to: 1_000, minutes: 1_000 });
    const budget = errorBudget(slo, events);
    expect(budget?.used).toBe(5);
    expect(budget?.allowed).toBeCloseTo(10);
    expect(budget?.left).toBeCloseTo(0.5);
    expect(errorBudget(slo, [])).toBeUndefined();
  });
});
