import type { PoolPolicy, WhatIfRequest } from '@medusa/protocol';
import { isOpen, localTime } from '../provision/policy/index.ts';
import type { RecordedArrivals } from './arrivals.ts';
import { waitingLonger } from './erlang-c.ts';
import type { SimulationRules } from './simulate.ts';

type Schedule = PoolPolicy['schedule'];
/** Requests of one hour of the week on an average week, and how long each holds. */
type HourLoad = { readonly perHour: number; readonly meanHoldSeconds: number };

const hourMs = 3_600_000;
const hoursOfDay = 24;
const hoursOfWeek = 168;
const lastWorkingDay = 5;
const weekMs = hoursOfWeek * hourMs;

/**
 * By the hour of the week, Monday 00:00 first, on the wall clock of the zone. Working days are taken to be alike, and the two others:
 * in a few weeks each hour of one day comes too seldom to be told from chance.
 */
export function hourlyLoads({ fromMs, toMs, arrivals }: RecordedArrivals, timeZone: string): HourLoad[] {
  const counts = new Array<number>(2 * hoursOfDay).fill(0);
  const seen = new Array<number>(2 * hoursOfDay).fill(0);
  const hourOf = (atMs: number): number => {
    const { day, minute } = localTime(new Date(atMs), timeZone);
    return (day <= lastWorkingDay ? 0 : hoursOfDay) + Math.floor(minute / 60);
  };
  for (let atMs = fromMs; atMs < toMs; atMs += hourMs) bump(seen, hourOf(atMs));
  for (const { atMs } of arrivals) bump(counts, hourOf(atMs));
  const held = arrivals.reduce((sum, { holdMs }) => sum + holdMs, 0);
  const meanHoldSeconds = arrivals.length === 0 ? 0 : held / arrivals.length / 1_000;
  // An hour that the span does not hold is taken to be as the others are on average.
  const mean = arrivals.length / Math.max(1, (toMs - fromMs) / hourMs);
  const loads = counts.map((count, hour) => {
    const times = seen[hour] ?? 0;
    return { perHour: times === 0 ? mean : count / times, meanHoldSeconds };
  });
  return Array.from({ length: 7 }, (_, day) =>
    day < lastWorkingDay ? loads.slice(0, hoursOfDay) : loads.slice(hoursOfDay),
  ).flat();
}

function bump(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function erlangsOf({ perHour, meanHoldSeconds }: HourLoad): number {
  return (perHour * meanHoldSeconds) / 3_600;
}

export function peakOf(hours: readonly HourLoad[]): number {
  return Math.max(0, ...hours.map(erlangsOf));
}

type Promised = Pick<WhatIfRequest, 'slotsPerNode' | 'promiseSeconds' | 'breachShare'>;

/** The fewest nodes of each hour that keep the promise by Erlang's C formula, as windows over a least number. */
export function scheduleFor(
  hours: readonly HourLoad[],
  promised: Promised,
): { min: number; schedule: Schedule } {
  // Who came in the hour before is still there for a while.
  const wanted = hours.map((load, hour) => {
    const before = hours[(hour + hoursOfWeek - 1) % hoursOfWeek] ?? load;
    const stay = Math.min(1, load.meanHoldSeconds / 3_600);
    return nodesFor(Math.max(erlangsOf(load), erlangsOf(before) * stay), load.meanHoldSeconds, promised);
  });
  const min = Math.min(...wanted);
  const days = Array.from({ length: 7 }, (_, day) =>
    windowsOf(wanted.slice(day * hoursOfDay, (day + 1) * hoursOfDay), min),
  );
  return { min, schedule: mergeDays(days) };
}

function nodesFor(
  erlangs: number,
  meanHoldSeconds: number,
  { slotsPerNode, promiseSeconds, breachShare }: Promised,
): number {
  if (erlangs === 0) return 0;
  const holds = promiseSeconds / meanHoldSeconds;
  let nodes = Math.ceil(erlangs / slotsPerNode);
  while (waitingLonger(erlangs, nodes * slotsPerNode, holds) > breachShare) nodes += 1;
  return nodes;
}

type Window = { readonly from: string; readonly to: string; readonly min: number };

function windowsOf(hours: readonly number[], min: number): Window[] {
  const windows: Window[] = [];
  for (let hour = 0; hour < hours.length; hour += 1) {
    const nodes = hours[hour] ?? 0;
    if (nodes <= min) continue;
    const begin = hour;
    while (hours[hour + 1] === nodes) hour += 1;
    windows.push({ from: clock(begin), to: clock(hour + 1), min: nodes });
  }
  return windows;
}

function clock(hour: number): string {
  return `${String(hour % hoursOfDay).padStart(2, '0')}:00`;
}

/** Days that share a window share its line. */
function mergeDays(days: readonly (readonly Window[])[]): Schedule {
  const lines = new Map<string, Window & { days: number[] }>();
  days.forEach((windows, index) => {
    for (const window of windows) {
      const key = JSON.stringify(window);
      const line = lines.get(key) ?? { ...window, days: [] };
      line.days.push(index + 1);
      lines.set(key, line);
    }
  });
  return [...lines.values()].map(({ days: shared, from, to, min }) => ({ days: shared, from, to, min }));
}

/** How many nodes a schedule wants from when on, over a span, looked at every hour. */
export function stepsOf(
  { min, schedule, timeZone }: { min: number; schedule: Schedule; timeZone: string },
  { fromMs, toMs }: Pick<RecordedArrivals, 'fromMs' | 'toMs'>,
): SimulationRules['wanted'] {
  const steps: { fromMs: number; nodes: number }[] = [];
  const end = Math.min(toMs, fromMs + 8 * weekMs);
  // On the hour of the wall clock: zones are whole quarters of an hour away from each other.
  const first = Math.floor(fromMs / (hourMs / 4)) * (hourMs / 4);
  for (let atMs = first; atMs < end; atMs += hourMs / 4) {
    const local = localTime(new Date(atMs), timeZone);
    const open = schedule.filter((window) => isOpen(window, local)).map((window) => window.min);
    const nodes = Math.max(min, ...open);
    if (steps.at(-1)?.nodes !== nodes) steps.push({ fromMs: Math.max(0, atMs - fromMs), nodes });
  }
  return steps;
}
