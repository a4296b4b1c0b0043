import type { WhatIfRequest } from '@medusa/protocol';
import type { Arrival } from './simulate.ts';

/** Requests in a span of time; all in ms since the epoch, `holdMs` a duration. In order of time. */
export type RecordedArrivals = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly arrivals: readonly Arrival[];
};

/** Where what came is read from: streamed sessions that had a picture. */
export interface ArrivalStore {
  between(from: Date, to: Date): Promise<readonly Arrival[]>;
}

type Synthetic = Extract<WhatIfRequest['arrivals'], { kind: 'synthetic' }>;

/** So many are enough to tell, and replayed in moments. */
const mostArrivals = 20_000;

/** A Poisson process with exponentially distributed holds: what Erlang's formulas assume. */
export function syntheticArrivals(
  { perHour, meanHoldSeconds, hours }: Synthetic,
  fromMs: number,
  random: () => number,
): RecordedArrivals {
  const toMs = fromMs + hours * 3_600_000;
  const arrivals: Arrival[] = [];
  const draw = (mean: number): number => -Math.log(1 - random()) * mean;
  const betweenMs = 3_600_000 / perHour;
  for (let atMs = fromMs + draw(betweenMs); atMs < toMs; atMs += draw(betweenMs)) {
    if (arrivals.length === mostArrivals) return { fromMs, toMs: atMs, arrivals };
    arrivals.push({ atMs, holdMs: draw(meanHoldSeconds * 1_000) });
  }
  return { fromMs, toMs, arrivals };
}

/** The mean load of the span. Erlangs: requests per hour × mean hold in hours. */
export function loadOf({ fromMs, toMs, arrivals }: RecordedArrivals): {
  arrivals: number;
  hours: number;
  perHour: number;
  meanHoldSeconds: number;
  erlangs: number;
} {
  const hours = (toMs - fromMs) / 3_600_000;
  const heldSeconds = arrivals.reduce((sum, { holdMs }) => sum + holdMs, 0) / 1_000;
  return {
    arrivals: arrivals.length,
    hours,
    perHour: hours === 0 ? 0 : arrivals.length / hours,
    meanHoldSeconds: arrivals.length === 0 ? 0 : heldSeconds / arrivals.length,
    erlangs: hours === 0 ? 0 : heldSeconds / 3_600 / hours,
  };
}
