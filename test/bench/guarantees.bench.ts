import { parseArgs } from 'node:util';
import {
  assess,
  countedEvents,
  prepareGuarantee,
  settle,
  type Guarantee,
  type IndicatorEvent,
} from '@medusa/broker/agreement/evaluation';
import { termsSchema } from '@medusa/protocol';
import { median, printResult, progress } from './report.ts';

/**
 * How long it takes to judge many guarantees on one core: a day of each, and the booking of its month. Then a month of random days whose
 * ledger is compared, to the cent, with sums that were made another way.
 */
const { values: options } = parseArgs({
  options: {
    guarantees: { type: 'string', default: '10000' },
    events: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    months: { type: 'string', default: '50' },
  },
});
const dayMs = 86_400_000;
const start = Date.UTC(2026, 2, 1);
const day = { fromMs: start, toMs: start + dayMs };
const month = { fromMs: start, toMs: Date.UTC(2026, 3, 1) };
const active = [{ fromMs: 0, toMs: Infinity }];

/** mulberry32: the same numbers each time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function guaranteeOf(name: string, target: string, cents: readonly [number, number]): Guarantee {
  const money = (amount: number): string => (amount / 100).toFixed(2);
  const value = (timeInterval: string, amount: number): object => ({
    interval: { timeInterval },
    valueUnit: 'EUR',
    valueExpression: money(amount),
  });
  const [term] = termsSchema.parse({
    kind: 'All',
    terms: [
      {
        kind: 'GuaranteeTerm',
        ...{ name, obligated: 'ServiceProvider', objective: { custom: target } },
        qualifyingCondition: 'lan.mbps GE 100',
        businessValues: { penalties: [value('P1D', cents[0]), value('P1M', cents[1])] },
        assessment: { confidence: 'exact' },
      },
    ],
  }).terms;
  const guarantee = term?.kind === 'GuaranteeTerm' ? prepareGuarantee(term, new Map()) : undefined;
  if (!guarantee) throw new Error('the guarantee cannot be read');
  return guarantee;
}

const targets = [
  'p95(session.start.seconds) LT 2',
  'ratio(session.start.seconds LE 2) GE 95%',
  'mean(session.start.seconds) BETWEEN (0, 3) AND max(session.start.seconds) LT 30',
];

function eventsOf(prefix: string, count: number, random: () => number): readonly IndicatorEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: `${prefix}-${index}`, indicator: 'session.start.seconds', service: 'viewer', item: 's' },
    atMs: start + Math.floor(random() * dayMs),
    value: random() * 2.2,
    conditions: { 'lan.mbps': random() < 0.1 ? 20 : 1000 },
  }));
}

function measure(): { seconds: number; states: Readonly<Record<string, number>> } {
  const random = randomOf(1);
  const count = Number(options.guarantees);
  const all = Array.from({ length: count }, (_, index) => ({
    guarantee: guaranteeOf(`g${index}`, targets[index % targets.length] ?? '', [100, 1000]),
    told: eventsOf(String(index), Number(options.events), random),
  }));
  const states: Record<string, number> = {};
  const before = process.hrtime.bigint();
  for (const { guarantee, told } of all) {
    const events = countedEvents(guarantee, told);
    const { state } = assess(guarantee, day, { events, active });
    settle(guarantee, month, { events, active });
    states[state] = (states[state] ?? 0) + 1;
  }
  return { seconds: Number(process.hrtime.bigint() - before) / 1e9, states };
}

/** One event a day, so that a day is bad when its one event is: sums can be made by counting. */
function compareMonth(seed: number): boolean {
  const random = randomOf(seed);
  const daily = 1 + Math.floor(random() * 5_000);
  const monthly = 1 + Math.floor(random() * 50_000);
  const guarantee = guaranteeOf('g', 'max(session.start.seconds) LT 2', [daily, monthly]);
  const days = Array.from({ length: 31 }, () => ({
    isSilent: random() < 0.2,
    isBad: random() < 0.2,
    isSlowLan: random() < 0.1,
  }));
  const told = days.flatMap(({ isSilent, isBad, isSlowLan }, index): readonly IndicatorEvent[] =>
    isSilent
      ? []
      : [
          {
            ...{ id: `d${index}`, indicator: 'session.start.seconds', service: 'v', item: 's' },
            ...{ atMs: start + index * dayMs + 1, value: isBad ? 9 : 1 },
            conditions: { 'lan.mbps': isSlowLan ? 20 : 1000 },
          },
        ],
  );
  const bad = days.filter((one) => !one.isSilent && one.isBad && !one.isSlowLan).length;
  const expected = bad === 0 ? 0 : Math.max(bad * daily, monthly);
  const bookings = settle(guarantee, month, { events: countedEvents(guarantee, told), active });
  const booked = bookings.reduce((sum, { minor }) => sum + minor, 0n);
  return booked === BigInt(expected);
}

const runs = Array.from({ length: Number(options.runs) }, (_, index) => {
  const run = measure();
  progress(`run ${index + 1}: ${run.seconds.toFixed(2)} s, ${JSON.stringify(run.states)}`);
  return run;
});
const months = Array.from({ length: Number(options.months) }, (_, index) => compareMonth(index + 1));
const seconds = median(runs.map((run) => run.seconds));
printResult({
  bench: 'guarantees',
  medians: { seconds, guaranteesPerSecond: Number(options.guarantees) / seconds },
  ratios: { ofTenSeconds: seconds / 10 },
  n: runs.length,
  results: {
    states: runs[0]?.states,
    monthsToTheCent: `${months.filter(Boolean).length} of ${months.length}`,
  },
});
