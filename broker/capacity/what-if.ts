import type { Replay, WhatIfAnswer, WhatIfPoint, WhatIfRequest } from '@medusa/protocol';
import { blockingOf } from '../provision/policy/index.ts';
import { loadOf, syntheticArrivals, type RecordedArrivals } from './arrivals.ts';
import { waitingOf, waitQuantile } from './erlang-c.ts';
import { createRandom } from './random.ts';
import { simulate, type Arrival, type SimulationOutcome, type SimulationRules } from './simulate.ts';
import { hourlyLoads, peakOf, scheduleFor, stepsOf } from './week-schedule.ts';

const hourMs = 3_600_000;
/** Each number of nodes is a replay of its own; more would keep an administrator waiting. */
const mostPoints = 40;

type Question = {
  readonly request: WhatIfRequest;
  readonly recorded: RecordedArrivals;
  /** Lets other work go on between two replays. */
  readonly breathe: () => Promise<void>;
};

/**
 * What would have become of the arrivals on fewer or more nodes: by Erlang's formulas at their mean load, and by a replay of each
 * arrival. And which schedule of a week would keep the promise at the least cost.
 */
export async function answerWhatIf({ request, recorded, breathe }: Question): Promise<WhatIfAnswer> {
  const given =
    request.arrivals.kind === 'recorded'
      ? recorded
      : syntheticArrivals(request.arrivals, recorded.fromMs, createRandom(request.seed));
  const facts = { request, given, load: loadOf(given) };
  const hours = hourlyLoads(given, request.timeZone);
  const points: WhatIfPoint[] = [];
  for (const nodes of nodesToTry(request)) {
    points.push(pointOf(facts, nodes));
    await breathe();
  }
  const { min, schedule } = scheduleFor(hours, request);
  const { timeZone } = request;
  const steps = stepsOf({ min, schedule, timeZone }, given);
  const keeps = ({ replay }: WhatIfPoint): boolean =>
    replay.breaches <= request.breachShare * given.arrivals.length;
  return {
    load: { ...facts.load, peakErlangs: peakOf(hours) },
    points,
    suggestedNodes: points.find(keeps)?.nodes ?? null,
    scheduled: { min, schedule, timeZone, replay: replayOf(facts, steps) },
  };
}

type Facts = {
  readonly request: WhatIfRequest;
  readonly given: RecordedArrivals;
  readonly load: ReturnType<typeof loadOf>;
};

/** Evenly over the range when it is wide. */
function nodesToTry({ nodes: { from, to } }: WhatIfRequest): number[] {
  const most = Math.max(from, to);
  const step = Math.max(1, Math.ceil((most - from + 1) / mostPoints));
  const tried = Array.from({ length: Math.floor((most - from) / step) + 1 }, (_, n) => from + n * step);
  return tried.at(-1) === most ? tried : [...tried, most];
}

function pointOf(facts: Facts, nodes: number): WhatIfPoint {
  const { erlangs, meanHoldSeconds } = facts.load;
  const slots = nodes * facts.request.slotsPerNode;
  const holds = waitQuantile(erlangs, slots, 0.05);
  return {
    nodes,
    slots,
    erlangB: blockingOf(erlangs, slots),
    erlangC: waitingOf(erlangs, slots),
    erlangWaitP95: holds === null ? null : holds * meanHoldSeconds,
    replay: replayOf(facts, [{ fromMs: 0, nodes }]),
  };
}

function replayOf({ request, given }: Facts, wanted: SimulationRules['wanted']): Replay {
  const arrivals = given.arrivals.map(({ atMs, holdMs }): Arrival => ({ atMs: atMs - given.fromMs, holdMs }));
  const { slotsPerNode, bootSeconds, failureHours, seed } = request;
  const outcome = simulate(
    arrivals,
    {
      ...{ slotsPerNode, wanted, discipline: 'wait', horizonMs: given.toMs - given.fromMs },
      bootMs: bootSeconds * 1_000,
      failureMeanMs: failureHours === null ? null : failureHours * hourMs,
    },
    createRandom(seed),
  );
  return summarise(outcome, request);
}

function summarise(
  { waitsMs, busySlotMs, offeredSlotMs, nodeMs, interrupted, unserved }: SimulationOutcome,
  { promiseSeconds, pricePerNodeHour }: WhatIfRequest,
): Replay {
  const waits = waitsMs.map((ms) => ms / 1_000).sort((a, b) => a - b);
  const asked = waits.length + unserved;
  const at = (share: number): number =>
    waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  const delayed = waits.filter((seconds) => seconds > 0).length + unserved;
  return {
    delayed: asked === 0 ? 0 : delayed / asked,
    waitP50: at(0.5),
    waitP95: at(0.95),
    utilisation: offeredSlotMs === 0 ? 0 : busySlotMs / offeredSlotMs,
    nodeHours: nodeMs / hourMs,
    cost: (nodeMs / hourMs) * pricePerNodeHour,
    breaches: waits.filter((seconds) => seconds > promiseSeconds).length + unserved,
    interrupted,
  };
}
