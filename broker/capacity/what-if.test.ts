import { whatIfRequestSchema, type WhatIfAnswer } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { blockingOf } from '../provision/policy/index.ts';
import { syntheticArrivals } from './arrivals.ts';
import { waitingLonger, waitingOf, waitQuantile } from './erlang-c.ts';
import { createRandom } from './random.ts';
import { simulate, type Arrival, type SimulationRules } from './simulate.ts';
import { answerWhatIf } from './what-if.ts';

const hour = 3_600_000;

function rules(overrides: Partial<SimulationRules> = {}): SimulationRules {
  return {
    ...{ slotsPerNode: 4, wanted: [{ fromMs: 0, nodes: 3 }], bootMs: 60_000, failureMeanMs: null },
    ...{ discipline: 'wait', horizonMs: 24 * hour },
    ...overrides,
  };
}

function poisson(
  perHour: number,
  holdSeconds: number,
  seed: number,
): { arrivals: readonly Arrival[]; horizonMs: number } {
  const shape = { kind: 'synthetic', perHour, meanHoldSeconds: holdSeconds, hours: 10_000 } as const;
  const { arrivals, toMs } = syntheticArrivals(shape, 0, createRandom(seed));
  return { arrivals, horizonMs: toMs };
}

function within(share: number, actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(share * expected);
}

/** First come, first served over so many slots (J. Kiefer and J. Wolfowitz 1955): nothing but when each slot is free again. */
function waitsByRecursion(arrivals: readonly Arrival[], slots: number): number[] {
  const freeAt = new Array<number>(slots).fill(0);
  return arrivals.map(({ atMs, holdMs }) => {
    const soonest = Math.min(...freeAt);
    const start = Math.max(atMs, soonest);
    freeAt[freeAt.indexOf(soonest)] = start + holdMs;
    return start - atMs;
  });
}

/** Second by second: how many run, how many wait, how many slots there are. No event, no heap, no node. */
function waitedBySeconds(arrivals: readonly Arrival[], slotsAt: (second: number) => number): number {
  const queue = arrivals.map(({ atMs, holdMs }) => ({
    at: Math.round(atMs / 1_000),
    hold: Math.round(holdMs / 1_000),
  }));
  let running: number[] = [];
  let next = 0;
  let waited = 0;
  for (let second = 0; next < queue.length; second += 1) {
    running = running.filter((end) => end > second);
    while (next < queue.length && running.length < slotsAt(second)) {
      const first = queue[next];
      if (!first || first.at > second) break;
      waited += second - first.at;
      running.push(second + first.hold);
      next += 1;
    }
  }
  return waited;
}

describe('Erlang C', () => {
  it.each([
    // Tables of the formula, e.g. in ITU-T E.501's references: 10 erlangs on 12 servers.
    [10, 12, 0.4494],
    [1, 2, 0.3333],
    [20, 25, 0.209],
  ])('of %d erlangs on %d servers is %f', (load, servers, expected) => {
    expect(waitingOf(load, servers)).toBeCloseTo(expected, 3);
  });

  it('knows when the queue grows without end, and when there is none', () => {
    expect([waitingOf(5, 5), waitQuantile(5, 5, 0.05), waitingLonger(6, 5, 1)]).toEqual([1, null, 1]);
    expect([waitingOf(0, 0), waitQuantile(0, 3, 0.05), waitingLonger(0, 0, 1)]).toEqual([0, 0, 0]);
  });
});

describe('the simulation', () => {
  it.each([
    [40, 900, 3],
    [60, 600, 3],
    [30, 1_200, 4],
  ])('loses as many of %d an hour that hold %d s on %d nodes as Erlang B says', (perHour, hold, nodes) => {
    const { arrivals, horizonMs } = poisson(perHour, hold, 11);
    const wanted = [{ fromMs: 0, nodes }];

    const { lost } = simulate(arrivals, rules({ wanted, discipline: 'leave', horizonMs }), createRandom(1));

    within(0.05, lost / arrivals.length, blockingOf((perHour * hold) / 3_600, nodes * 4));
  });

  it.each([
    [40, 900, 3],
    [60, 600, 3],
    [24, 1_200, 3],
  ])(
    'lets as many of %d an hour that hold %d s on %d nodes wait as Erlang C says',
    (perHour, hold, nodes) => {
      const { arrivals, horizonMs } = poisson(perHour, hold, 29);
      const load = (perHour * hold) / 3_600;

      const { waitsMs, busySlotMs, offeredSlotMs } = simulate(
        arrivals,
        rules({ wanted: [{ fromMs: 0, nodes }], horizonMs }),
        createRandom(1),
      );

      within(0.05, waitsMs.filter((ms) => ms > 0).length / arrivals.length, waitingOf(load, nodes * 4));
      within(0.05, busySlotMs / offeredSlotMs, load / (nodes * 4));
    },
  );

  it('makes everybody wait exactly as long as a recursion over the slots says', () => {
    for (const seed of [1, 2, 3]) {
      const { arrivals } = poisson(50, 800, seed);

      const { waitsMs } = simulate(arrivals, rules(), createRandom(1));

      const expected = waitsByRecursion(arrivals, 12);
      expect(waitsMs.length).toBe(expected.length);
      // Both add up the same doubles in another order.
      waitsMs.forEach((ms, index) => expect(Math.abs(ms - (expected[index] ?? 0))).toBeLessThan(0.01));
    }
  });

  it('follows a schedule with boot times as a count by seconds does, within 5 %', () => {
    const shape = { kind: 'synthetic', perHour: 30, meanHoldSeconds: 900, hours: 96 } as const;
    const { arrivals } = syntheticArrivals(shape, 0, createRandom(5));
    const boot = 300;
    // More at eight, fewer at eighteen, each day.
    const wanted = [{ fromMs: 0, nodes: 2 }];
    for (let day = 0; day < 4; day += 1)
      wanted.push({ fromMs: (day * 24 + 8) * hour, nodes: 4 }, { fromMs: (day * 24 + 18) * hour, nodes: 2 });

    const { waitsMs } = simulate(
      arrivals,
      rules({ wanted, bootMs: boot * 1_000, horizonMs: 96 * hour }),
      createRandom(1),
    );

    const slotsAt = (second: number): number => {
      const inDay = second % 86_400;
      return inDay >= 8 * 3_600 + boot && inDay < 18 * 3_600 ? 16 : 8;
    };
    const total = waitsMs.reduce((sum, ms) => sum + ms, 0) / 1_000;
    within(0.05, total, waitedBySeconds(arrivals, slotsAt));
  });

  it('has nodes that fail as often as said, replaced after their boot, and loses no request', () => {
    const { arrivals, horizonMs } = poisson(10, 600, 3);
    const failing = rules({ failureMeanMs: 20 * hour, bootMs: 2 * hour, horizonMs });

    const outcome = simulate(arrivals, failing, createRandom(8));

    // A node is there for 20 of 22 hours.
    const offered = outcome.offeredSlotMs / (horizonMs * 12);
    within(0.05, offered, 20 / 22);
    expect(outcome.waitsMs.length + outcome.unserved).toBe(arrivals.length);
    expect(outcome.interrupted).toBeGreaterThan(0);
  });

  it('ends a node that is not wanted any more only when its last session has ended', () => {
    const arrivals = [{ atMs: 0, holdMs: 5 * hour }];
    const wanted = [
      { fromMs: 0, nodes: 1 },
      { fromMs: hour, nodes: 0 },
    ];

    const { nodeMs, waitsMs, interrupted } = simulate(arrivals, rules({ wanted }), createRandom(1));

    expect({ nodeMs, waitsMs, interrupted }).toEqual({ nodeMs: 5 * hour, waitsMs: [0], interrupted: 0 });
  });
});

async function ask(given: object, arrivals: readonly Arrival[] = []): Promise<WhatIfAnswer> {
  const request = whatIfRequestSchema.parse({ nodes: { from: 1, to: 6 }, slotsPerNode: 4, ...given });
  const toMs = Date.parse('2026-03-16T00:00:00Z');
  const recorded = { fromMs: toMs - 14 * 24 * hour, toMs, arrivals };
  return answerWhatIf({ request, recorded, breathe: async () => undefined });
}

describe('what if', () => {
  it('tells waits, use and cost for each number of nodes, with the formulas beside', async () => {
    const arrivals = { kind: 'synthetic', perHour: 40, meanHoldSeconds: 900, hours: 336 };

    const { load, points, suggestedNodes } = await ask({ arrivals, pricePerNodeHour: 0.5 });

    within(0.05, load.erlangs, 10);
    expect(points.map(({ nodes }) => nodes)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(points[1]?.erlangWaitP95).toBeNull();
    expect(points[2]?.replay.cost).toBeCloseTo(3 * 336 * 0.5, 6);
    expect(points.map(({ replay }) => replay.breaches)).toEqual(
      points.map(({ replay }) => replay.breaches).sort((a, b) => b - a),
    );
    expect(suggestedNodes).toBe(4);
  });

  it('suggests a schedule that keeps the promise for less than the same nodes all week', async () => {
    // Two weeks of working days: thirty sessions an hour from eight to sixteen, none at night.
    const arrivals = Array.from({ length: 14 }, (_, day) => day)
      .filter((day) => day % 7 < 5)
      .flatMap((day) =>
        Array.from({ length: 240 }, (_, n) => ({
          atMs: Date.parse('2026-03-02T08:00:00Z') + day * 24 * hour + n * 120_000,
          holdMs: 900_000,
        })),
      );

    const { scheduled, points, suggestedNodes, load } = await ask(
      { arrivals: { kind: 'recorded', days: 14 }, pricePerNodeHour: 1, bootSeconds: 30 },
      arrivals,
    );

    expect(load.peakErlangs).toBeCloseTo(7.5);
    expect(scheduled.min).toBe(0);
    expect(scheduled.schedule).toEqual([
      { days: [1, 2, 3, 4, 5], from: '08:00', to: '16:00', min: 4 },
      { days: [1, 2, 3, 4, 5], from: '16:00', to: '17:00', min: 2 },
    ]);
    const always = points.find(({ nodes }) => nodes === suggestedNodes);
    expect(scheduled.replay.cost).toBeLessThan(always?.replay.cost ?? 0);
    expect(scheduled.replay.breaches).toBeLessThanOrEqual(arrivals.length * 0.05);
  });

  it('has an answer when nothing came', async () => {
    const { load, points, suggestedNodes, scheduled } = await ask({ arrivals: { kind: 'recorded' } });

    expect(load).toMatchObject({ arrivals: 0, erlangs: 0 });
    expect(points[0]?.replay).toMatchObject({ delayed: 0, breaches: 0, utilisation: 0 });
    expect(suggestedNodes).toBe(1);
    expect(scheduled).toMatchObject({ min: 0, schedule: [] });
  });

  it('tries at most forty numbers of nodes, with both ends', async () => {
    const { points } = await ask({ arrivals: { kind: 'recorded' }, nodes: { from: 1, to: 1_000 } });

    expect(points.length).toBeLessThanOrEqual(41);
    expect([points[0]?.nodes, points.at(-1)?.nodes]).toEqual([1, 1_000]);
  });
});
