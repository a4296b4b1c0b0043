import { poolPolicySchema, type PoolPolicy } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockingOf, brake, isOpen, isTimeZone, localTime, poolTarget, serversFor } from './index.ts';

const policy = (wanted: Partial<PoolPolicy>): PoolPolicy =>
  poolPolicySchema.parse({ min: 0, max: 100, ...wanted });
const idle = { slotsPerNode: 4, usedSlots: 0 };
const quiet = { requests: [], meanHoldSeconds: 1_800, leadSeconds: 0 };
const at = (text: string): Date => new Date(text);

describe('Erlang B', () => {
  it('is what the formula gives by hand', () => {
    // B(n, a) = (a^n / n!) / Σ a^k / k!
    expect(blockingOf(1, 1)).toBeCloseTo(1 / 2, 12);
    expect(blockingOf(1, 2)).toBeCloseTo(0.5 / 2.5, 12);
    expect(blockingOf(2, 2)).toBeCloseTo(2 / 5, 12);
    expect(blockingOf(3, 4)).toBeCloseTo(3.375 / 16.375, 12);
    // The values of printed tables: 10 erlangs on 18 servers lose 0.71 %; 100 on 117 lose 0.98 %.
    expect(blockingOf(10, 18)).toBeCloseTo(0.0071, 4);
    expect(blockingOf(100, 117)).toBeCloseTo(0.0098, 4);
  });

  it('takes the fewest servers that keep the blocking', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 200, noNaN: true }),
        fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
        (load, blocking) => {
          const servers = serversFor(load, blocking, 10_000);
          expect(blockingOf(load, servers)).toBeLessThanOrEqual(blocking);
          expect(blockingOf(load, servers - 1)).toBeGreaterThan(blocking);
        },
      ),
    );
    expect(serversFor(0, 0.01, 100)).toBe(0);
    expect(serversFor(10, 0.01, 5)).toBe(5);
  });
});

describe('poolTarget', () => {
  it('keeps the buffer free, in slots or as a share of those in use', () => {
    const used = { slotsPerNode: 4, usedSlots: 10 };
    const slots = policy({ buffer: { kind: 'slots', slots: 3 } });
    const percent = policy({ buffer: { kind: 'percent', percent: 50 } });

    expect(poolTarget(slots, used, { arrivals: quiet, now: at('2026-01-01T00:00Z') })).toEqual({
      target: 4,
      reason: '10 slots in use and 3 free ones wanted, 4 a node',
    });
    expect(poolTarget(percent, used, { arrivals: quiet, now: at('2026-01-01T00:00Z') }).target).toBe(4);
    expect(poolTarget(policy({}), used, { arrivals: quiet, now: at('2026-01-01T00:00Z') }).target).toBe(3);
  });

  it('keeps slots for sessions that are foreseen beside the buffer, and never beyond max', () => {
    const now = at('2026-01-01T00:00Z');
    const wanted = policy({ buffer: { kind: 'slots', slots: 1 }, max: 3 });
    const usage = { slotsPerNode: 2, usedSlots: 2 };

    expect(poolTarget(wanted, { ...usage, warmSlots: 2 }, { arrivals: quiet, now })).toEqual({
      target: 3,
      reason: '2 slots in use and 3 free ones wanted (2 for sessions foreseen), 2 a node',
    });
    expect(poolTarget(wanted, { ...usage, warmSlots: 9 }, { arrivals: quiet, now }).target).toBe(3);
  });

  it('is never below min and never above max, and says which holds', () => {
    const now = at('2026-01-01T00:00Z');
    expect(poolTarget(policy({ min: 2 }), idle, { arrivals: quiet, now })).toEqual({
      target: 2,
      reason: 'at least 2',
    });
    expect(
      poolTarget(policy({ max: 3 }), { slotsPerNode: 1, usedSlots: 9 }, { arrivals: quiet, now }),
    ).toEqual({
      target: 3,
      reason: 'at most 3; 9 were asked for: 9 slots in use and 0 free ones wanted, 1 a node',
    });
    fc.assert(
      fc.property(
        fc.record({
          min: fc.nat(50),
          more: fc.nat(50),
          usedSlots: fc.nat(1_000),
          slotsPerNode: fc.integer({ min: 1, max: 16 }),
        }),
        ({ min, more, ...usage }) => {
          const { target } = poolTarget(policy({ min, max: min + more }), usage, { arrivals: quiet, now });
          expect(target).toBeGreaterThanOrEqual(min);
          expect(target).toBeLessThanOrEqual(min + more);
          expect(target === min + more || target * usage.slotsPerNode >= usage.usedSlots).toBe(true);
        },
      ),
    );
  });

  it('has the nodes of the schedule ready when it begins', () => {
    const berlin = policy({
      timeZone: 'Europe/Berlin',
      schedule: [{ days: [1, 2, 3, 4, 5], from: '07:30', to: '18:00', min: 8 }],
    });
    const targetAt = (text: string, leadSeconds = 0): number =>
      poolTarget(berlin, idle, { arrivals: { ...quiet, leadSeconds }, now: at(text) }).target;

    // Monday 5 January 2026, 07:30 in Berlin is 06:30 UTC; in summer it is 05:30 UTC.
    expect(targetAt('2026-01-05T06:29:59Z')).toBe(0);
    expect(targetAt('2026-01-05T06:30:00Z')).toBe(8);
    expect(targetAt('2026-01-05T06:26:00Z', 300)).toBe(8);
    expect(targetAt('2026-01-05T16:59:59Z')).toBe(8);
    expect(targetAt('2026-01-05T17:00:00Z')).toBe(0);
    expect(targetAt('2026-07-06T05:29:59Z')).toBe(0);
    expect(targetAt('2026-07-06T05:30:00Z')).toBe(8);
    expect(targetAt('2026-01-04T12:00:00Z')).toBe(0);
  });

  it('warms up for what came at this hour a week ago', () => {
    const forecast = policy({ forecast: { blocking: 0.01 }, timeZone: 'UTC' });
    // 20 an hour that hold half an hour: 10 erlangs, 18 slots for 1 %.
    const arrivals = {
      requests: [
        { at: at('2026-03-02T09:05Z'), count: 12 },
        { at: at('2026-03-02T09:59Z'), count: 8 },
        { at: at('2026-03-02T10:00Z'), count: 500 },
        { at: at('2026-03-02T08:59Z'), count: 500 },
        { at: at('2026-03-09T09:01Z'), count: 500 },
      ],
      meanHoldSeconds: 1_800,
      leadSeconds: 0,
    };

    const { target, reason } = poolTarget(forecast, idle, { arrivals, now: at('2026-03-09T09:30Z') });

    expect(target).toBe(Math.ceil(18 / 4));
    expect(reason).toBe(
      '20 sessions came in this hour a week ago and hold 30 min: 18 slots so that at most 1 % wait',
    );
    expect(poolTarget(forecast, idle, { arrivals, now: at('2026-03-09T12:00Z') }).target).toBe(0);
  });

  it('looks a week back by the wall clock when daylight saving began in between', () => {
    const forecast = policy({ forecast: { blocking: 0.01 }, timeZone: 'Europe/Berlin' });
    // Clocks went forward on Sunday 29 March 2026: nine o'clock was 08:00 UTC on the 27th and is 07:00 UTC on the 3rd.
    const requests = [{ at: at('2026-03-27T08:10Z'), count: 20 }];
    const targetAt = (text: string): number =>
      poolTarget(forecast, idle, { arrivals: { ...quiet, requests }, now: at(text) }).target;

    expect(targetAt('2026-04-03T07:10Z')).toBe(5);
    expect(targetAt('2026-04-03T08:10Z')).toBe(0);
  });
});

describe('a window of the week', () => {
  const window = (from: string, to: string, days = [7]): Parameters<typeof isOpen>[0] => ({
    days,
    from,
    to,
    min: 1,
  });
  const berlin = (text: string): ReturnType<typeof localTime> => localTime(at(text), 'Europe/Berlin');
  /** How many minutes of a day's UTC hours it is open. */
  const minutesOpen = (open: Parameters<typeof isOpen>[0], from: string, hours: number): number =>
    Array.from({ length: hours * 60 }, (_, minute) => new Date(at(from).getTime() + minute * 60_000)).filter(
      (time) => isOpen(open, localTime(time, 'Europe/Berlin')),
    ).length;

  it('goes by the wall clock on the days that daylight saving begins and ends', () => {
    // 29 March 2026: 01:59:59 is followed by 03:00. 25 October 2026: 02:00–03:00 comes twice.
    expect(minutesOpen(window('01:00', '04:00'), '2026-03-28T20:00Z', 24)).toBe(120);
    expect(minutesOpen(window('02:15', '02:45'), '2026-03-28T20:00Z', 24)).toBe(0);
    expect(minutesOpen(window('01:00', '04:00'), '2026-10-24T20:00Z', 24)).toBe(240);
    expect(minutesOpen(window('02:00', '03:00'), '2026-10-24T20:00Z', 24)).toBe(120);
  });

  it('goes past midnight with the day it began on', () => {
    const night = window('22:00', '06:00', [5]);
    // Friday 9 January 2026.
    expect(isOpen(night, berlin('2026-01-09T20:59Z'))).toBe(false);
    expect(isOpen(night, berlin('2026-01-09T21:00Z'))).toBe(true);
    expect(isOpen(night, berlin('2026-01-10T04:59Z'))).toBe(true);
    expect(isOpen(night, berlin('2026-01-10T05:00Z'))).toBe(false);
    expect(isOpen(night, berlin('2026-01-10T21:00Z'))).toBe(false);
    expect(isOpen(window('00:00', '00:00', [7]), berlin('2026-01-11T12:00Z'))).toBe(true);
    expect(isOpen(window('22:00', '06:00', [7]), berlin('2026-01-12T02:00Z'))).toBe(true);
  });

  it('knows the time zones there are', () => {
    expect(isTimeZone('Asia/Kolkata')).toBe(true);
    expect(isTimeZone('Europe/Atlantis')).toBe(false);
    expect(localTime(at('2026-01-04T20:00Z'), 'Asia/Kolkata')).toEqual({
      date: '2026-01-05',
      day: 1,
      minute: 90,
    });
  });
});

describe('brake', () => {
  it('holds when more than the share is unhealthy, and lets one node be repaired', () => {
    expect(brake(10, 4, 40).isBraked).toBe(false);
    expect(brake(10, 5, 40)).toMatchObject({
      isBraked: true,
      reason: expect.stringMatching(/5 of 10/) as string,
    });
    expect(brake(1, 1, 40).isBraked).toBe(false);
    expect(brake(2, 2, 40).isBraked).toBe(true);
    expect(brake(1, 1, 0).isBraked).toBe(true);
    expect(brake(5, 0, 0).isBraked).toBe(false);
    expect(brake(0, 0, 40).isBraked).toBe(false);
    expect(brake(4, 4, 100).isBraked).toBe(false);
  });
});
