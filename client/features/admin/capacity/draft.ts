import type { PoolView } from '@medusa/protocol';
import type { WhatIfInput } from '../../../core/capacity-api.ts';

/** The form as it stands. Times in the unit of their label. */
export type WhatIfDraft = {
  readonly source: 'recorded' | 'synthetic';
  readonly days: number;
  readonly perHour: number;
  readonly holdMinutes: number;
  readonly nodesFrom: number;
  readonly nodesTo: number;
  readonly slotsPerNode: number;
  readonly bootSeconds: number;
  /** 0: no node fails. */
  readonly failureHours: number;
  readonly price: number;
  readonly promiseSeconds: number;
  readonly breachPercent: number;
  readonly timeZone: string;
};

const fewest = 6;
const most = 40;

/** The pool as it is, with room to both sides. */
export function draftFor(pool: PoolView | undefined, timeZone: string): WhatIfDraft {
  const ready = pool?.counts.ready ?? 0;
  const offered = pool && ready > 0 ? Math.round(pool.slots.total / ready) : 0;
  return {
    source: 'recorded',
    days: 14,
    perHour: 20,
    holdMinutes: 20,
    nodesFrom: 1,
    nodesTo: Math.min(most, Math.max(fewest, (pool?.policy.max ?? 0) + 2)),
    slotsPerNode: Math.max(1, pool?.machine.slots ?? offered),
    bootSeconds: 60,
    failureHours: 0,
    price: 0.5,
    promiseSeconds: 60,
    breachPercent: 5,
    timeZone,
  };
}

export function toRequest(draft: WhatIfDraft): WhatIfInput {
  return {
    arrivals:
      draft.source === 'recorded'
        ? { kind: 'recorded', days: draft.days }
        : { kind: 'synthetic', perHour: draft.perHour, meanHoldSeconds: draft.holdMinutes * 60 },
    nodes: { from: draft.nodesFrom, to: Math.max(draft.nodesFrom, draft.nodesTo) },
    slotsPerNode: draft.slotsPerNode,
    bootSeconds: draft.bootSeconds,
    failureHours: draft.failureHours > 0 ? draft.failureHours : null,
    pricePerNodeHour: draft.price,
    promiseSeconds: draft.promiseSeconds,
    breachShare: draft.breachPercent / 100,
    timeZone: draft.timeZone,
  };
}

/** Runs of days that follow each other are named by their ends: `Mon–Fri, Sun`. */
export function daysInWords(days: readonly number[], names: readonly string[]): string {
  const sorted = [...days].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const day of sorted) {
    const last = runs.at(-1);
    if (last?.[1] === day - 1) last[1] = day;
    else runs.push([day, day]);
  }
  const nameOf = (day: number): string => names[day - 1] ?? String(day);
  return runs
    .map(([first, last]) => (first === last ? nameOf(first) : `${nameOf(first)}–${nameOf(last)}`))
    .join(', ');
}
