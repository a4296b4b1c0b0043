import { termsSchema, type GuaranteeTerm } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assess,
  countedEvents,
  leftOutOf,
  prepareGuarantee,
  settle,
  type Guarantee,
  type IndicatorEvent,
  type Span,
} from './index.ts';
import { formatMinor, parseMoney } from './money.ts';
import { percentile, wilson } from './statistics.ts';
import { parseDuration, windowAt, windowsEndingIn } from './windows.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 2, 1);
const march: Span = { fromMs: start, toMs: Date.UTC(2026, 3, 1) };
const firstDay: Span = { fromMs: start, toMs: start + dayMs };
const always: readonly Span[] = [{ fromMs: 0, toMs: Date.UTC(2100, 0) }];

function guaranteeOf(parts: object): Guarantee {
  const term = {
    kind: 'GuaranteeTerm',
    name: 'g',
    obligated: 'ServiceProvider',
    objective: { kpiName: 'session.start.seconds', target: 'p95(session.start.seconds) LT 2' },
    businessValues: {},
    ...parts,
  };
  const [parsed] = termsSchema.parse({ kind: 'All', terms: [term] }).terms;
  const ready = prepareGuarantee(
    parsed as GuaranteeTerm,
    new Map([['availability', 'session.availability']]),
  );
  if (!ready) throw new Error('not ready');
  return ready;
}

let count = 0;
function eventsOf(values: readonly number[], more: Partial<IndicatorEvent> = {}): readonly IndicatorEvent[] {
  return values.map((value, index) => ({
    id: `e${(count += 1)}`,
    indicator: 'session.start.seconds',
    atMs: start + index * 60_000,
    value,
    service: 'viewer',
    item: 's',
    conditions: {},
    ...more,
  }));
}
const stateOf = (guarantee: Guarantee, events: readonly IndicatorEvent[], active = always): string =>
  assess(guarantee, firstDay, { events: countedEvents(guarantee, events), active }).state;
const perDay = (value: string) => ({
  interval: { timeInterval: 'P1D' },
  valueUnit: 'EUR',
  valueExpression: value,
});
const perMonth = (value: string) => ({ ...perDay(value), interval: { timeInterval: 'P1M' } });

describe('a guarantee over a window', () => {
  it('is not determined without data, or with too little', () => {
    const guarantee = guaranteeOf({ assessment: { minimumSamples: 3 } });
    expect(stateOf(guarantee, [])).toBe('NotDetermined');
    expect(stateOf(guarantee, eventsOf([9, 9]))).toBe('NotDetermined');
    expect(stateOf(guarantee, eventsOf([9, 9, 9]))).toBe('Violated');
    expect(stateOf(guarantee, eventsOf([1, 1, 1]))).toBe('Fulfilled');
  });

  it('looks only at events whose qualifying condition is known to be true', () => {
    const guarantee = guaranteeOf({ qualifyingCondition: "lan.mbps GE 100 AND device.tier EQ 'production'" });
    const slow = (conditions: IndicatorEvent['conditions']): readonly IndicatorEvent[] =>
      eventsOf([9, 9], { conditions });
    expect(stateOf(guarantee, slow({ 'lan.mbps': 20, 'device.tier': 'production' }))).toBe('NotDetermined');
    expect(stateOf(guarantee, slow({ 'device.tier': 'production' }))).toBe('NotDetermined');
    expect(stateOf(guarantee, slow({ 'lan.mbps': 100, 'device.tier': 'production' }))).toBe('Violated');
  });

  it('counts what is told twice once, and only its own scope', () => {
    const guarantee = guaranteeOf({
      scopes: [{ serviceName: 'viewer', item: 's' }],
      assessment: { minimumSamples: 2 },
    });
    const [one] = eventsOf([9]);
    const again = one ? [one, one] : [];
    expect(stateOf(guarantee, again)).toBe('NotDetermined');
    expect(stateOf(guarantee, eventsOf([9, 9], { item: 'other' }))).toBe('NotDetermined');
    expect(stateOf(guarantee, eventsOf([9, 9]))).toBe('Violated');
  });

  it('does not call one failure of twenty a breach of 99 %, and calls many so', () => {
    const guarantee = guaranteeOf({ objective: { custom: 'availability GE 99%' } });
    const sessions = (bad: number, total: number): readonly IndicatorEvent[] =>
      eventsOf(
        Array.from({ length: total }, (_, index) => (index < bad ? 0 : 1)),
        { indicator: 'session.availability' },
      );
    expect(stateOf(guarantee, sessions(1, 20))).toBe('NotDetermined');
    expect(stateOf(guarantee, sessions(0, 20))).toBe('Fulfilled');
    expect(stateOf(guarantee, sessions(10, 200))).toBe('Violated');
    const exact = guaranteeOf({
      objective: { custom: 'availability GE 99%' },
      assessment: { confidence: 'exact' },
    });
    expect(stateOf(exact, sessions(1, 20))).toBe('Violated');
  });

  it('leaves out of a ratio what cannot be told', () => {
    const guarantee = guaranteeOf({
      objective: { custom: "ratio(session.start.seconds LE 2 AND site EQ 'north') GE 0.9" },
    });
    const north = eventsOf([1, 1], { conditions: { site: 'north' } });
    expect(stateOf(guarantee, [...north, ...eventsOf([1, 1])])).toBe('Fulfilled');
  });

  it('accrues nothing while it is suspended', () => {
    const guarantee = guaranteeOf({ businessValues: { penalties: [perDay('10.00')] } });
    const events = countedEvents(guarantee, eventsOf([9, 9, 9]));
    const suspended = [
      { fromMs: 0, toMs: start },
      { fromMs: start + hourMs, toMs: march.toMs },
    ];
    expect(assess(guarantee, firstDay, { events, active: suspended }).state).toBe('NotDetermined');
    expect(settle(guarantee, firstDay, { events, active: suspended })).toEqual([]);
    expect(settle(guarantee, firstDay, { events, active: always })).toHaveLength(1);
  });
});

describe('settle', () => {
  const onDays = (days: readonly number[], value: number): readonly IndicatorEvent[] =>
    days.flatMap((day) => eventsOf([value], { atMs: start + day * dayMs }));

  it.each([
    ['two bad days', [3, 9], '300.00', 30_000n, 'P1M'],
    ['two bad days, dearer than the month', [3, 9], '150.00', 20_000n, 'P1D'],
    ['as dear as the month', [3, 9], '200.00', 20_000n, 'P1M'],
  ])('applies the longest interval of the highest value: %s', (...[, bad, monthly, minor, interval]) => {
    const penalties = [perDay('100.00'), perMonth(monthly)];
    const guarantee = guaranteeOf({ businessValues: { penalties } });
    const events = [...onDays(bad, 9), ...onDays([1, 2], 1)];
    const [booking, ...more] = settle(guarantee, march, { events, active: always });
    expect(more).toEqual([]);
    expect(booking).toMatchObject({ kind: 'penalty', debtor: 'ServiceProvider', minor });
    expect(booking?.reason).toContain(interval);
  });

  it('pays a reward for fulfilled windows only, never for those without data', () => {
    const guarantee = guaranteeOf({
      obligated: 'ServiceConsumer',
      businessValues: { rewards: [perDay('5.50')] },
    });
    const bookings = settle(guarantee, march, { events: onDays([0, 4], 1), active: always });
    expect(bookings.map(({ minor }) => minor)).toEqual([1100n]);
    const daily = onDays([0], 1);
    expect(settle(guarantee, firstDay, { events: daily, active: always })).toMatchObject([
      { kind: 'reward', debtor: 'ServiceProvider', minor: 550n },
    ]);
  });

  it('assesses groups of so many events, and no group that is not full', () => {
    const penalties = [{ interval: { count: 3 }, valueUnit: 'JPY', valueExpression: '7' }];
    const guarantee = guaranteeOf({ businessValues: { penalties } });
    const events = eventsOf([1, 1, 9, 1, 1, 1, 9, 9]);
    expect(settle(guarantee, firstDay, { events, active: always })).toMatchObject([
      { minor: 7n, currency: 'JPY' },
    ]);
  });

  it('does not depend on the order in which events arrive', () => {
    const guarantee = guaranteeOf({
      businessValues: { penalties: [perDay('1.00'), { ...perDay('2.00'), interval: { count: 4 } }] },
    });
    const events = eventsOf([1, 9, 1, 1, 9, 9, 1, 1, 9, 3, 1]);
    const expected = settle(guarantee, march, { events, active: always });
    fc.assert(
      fc.property(fc.shuffledSubarray([...events], { minLength: events.length }), (shuffled) => {
        expect(settle(guarantee, march, { events: shuffled, active: always })).toEqual(expected);
      }),
    );
  });
});

describe('windows', () => {
  it.each(['PT15M', 'PT1H', 'P1D', 'P1W', 'P1M', 'P3M', 'P1Y'])(
    'of %s tile the time without a gap or an overlap',
    (text) => {
      const duration = parseDuration(text);
      if (!duration) throw new Error('no duration');
      fc.assert(
        fc.property(fc.integer({ min: 0, max: Date.UTC(2090, 0) }), (atMs) => {
          const window = windowAt(duration, atMs);
          expect(atMs >= window.fromMs && atMs < window.toMs).toBe(true);
          expect(windowAt(duration, window.toMs).fromMs).toBe(window.toMs);
          expect(windowAt(duration, window.toMs - 1)).toEqual(window);
        }),
      );
    },
  );

  it('begin on the first, on Monday, at midnight (UTC)', () => {
    const fromOf = (text: string): unknown => {
      const duration = parseDuration(text);
      return duration && new Date(windowAt(duration, Date.UTC(2026, 10, 27, 11)).fromMs).toISOString();
    };
    expect(fromOf('P1M')).toBe('2026-11-01T00:00:00.000Z');
    expect(fromOf('P1W')).toBe('2026-11-23T00:00:00.000Z');
    expect(fromOf('P1D')).toBe('2026-11-27T00:00:00.000Z');
    expect(fromOf('P1M2D')).toBeUndefined();
    expect(fromOf('PT0S')).toBeUndefined();
  });

  it('are those that end in a span: 31 days and 4 weeks in March', () => {
    const many = (text: string): number =>
      windowsEndingIn(parseDuration(text) ?? { kind: 'time', amount: 1 }, march).length;
    expect([many('P1D'), many('P1W'), many('P1M'), many('P1Y')]).toEqual([31, 5, 1, 0]);
  });
});

describe('figures', () => {
  it('are the nearest rank', () => {
    const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
    expect([
      percentile(twenty, 95),
      percentile(twenty, 100),
      percentile(twenty, 50),
      percentile([7], 1),
    ]).toEqual([19, 20, 10, 7]);
  });

  it('have the bounds of Wilson, as published for 81 of 263', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I: 0.2553 to 0.3662.
    const { low, high } = wilson(81, 263);
    expect([low.toFixed(4), high.toFixed(4)]).toEqual(['0.2553', '0.3662']);
  });

  it.each([
    ['25.00', 'EUR', 2500n],
    ['0.5', 'EUR', 50n],
    ['1.2300', 'EUR', 123n],
    ['1.234', 'EUR', undefined],
    ['1.234', 'BHD', 1234n],
    ['12', 'JPY', 12n],
    ['1', 'QQQ', undefined],
    ['-1', 'EUR', undefined],
    ['1e3', 'EUR', undefined],
  ])('%s %s is exact', (amount, currency, minor) => {
    expect(parseMoney(amount, currency)?.minor).toBe(minor);
  });

  it('are written as they were read', () => {
    expect([formatMinor(-5n, 'EUR'), formatMinor(123456n, 'EUR'), formatMinor(12n, 'JPY')]).toEqual([
      '-0.05',
      '1234.56',
      '12',
    ]);
  });
});

describe('what is left out of a window', () => {
  const guarantee = guaranteeOf({
    scopes: [{ serviceName: 'viewer' }],
    qualifyingCondition: "device.tier EQ 'production'",
  });
  const good = { conditions: { 'device.tier': 'production' } };

  it('is told by its reason, each event once', () => {
    const demo = eventsOf([9, 9], { conditions: { 'device.tier': 'demo' } });
    const events = [...eventsOf([1], good), ...demo, ...demo, ...eventsOf([9])];

    const leftOut = leftOutOf(guarantee, firstDay, { events, active: always });

    expect(leftOut).toEqual([
      { reason: 'unqualified', events: 2 },
      { reason: 'untold', events: 1 },
    ]);
  });

  it('is also what happened while the agreement was suspended, and nothing of others or other times', () => {
    const events = [
      ...eventsOf([1, 2], good),
      ...eventsOf([9], { ...good, service: 'other' }),
      ...eventsOf([9], { ...good, indicator: 'lan.mbps' }),
      ...eventsOf([9], { ...good, atMs: firstDay.toMs }),
    ];
    // From the second event on.
    const active = [{ fromMs: start, toMs: start + 60_000 }];

    expect(leftOutOf(guarantee, firstDay, { events, active })).toEqual([{ reason: 'inactive', events: 1 }]);
    expect(leftOutOf(guarantee, firstDay, { events, active: always })).toEqual([]);
  });
});
