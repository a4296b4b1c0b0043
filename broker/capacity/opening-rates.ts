import { localTime } from '../provision/policy/index.ts';

/** A study that came, and when it was first opened by anybody. Times in ms since the epoch. */
export type StudyPast = {
  readonly studyInstanceUID: string;
  readonly arrivedMs: number;
  /** null: not yet. */
  readonly openedMs: number | null;
  /** It took a slot of a render node then. */
  readonly isStreamed: boolean;
};

/** How soon unread studies are opened, as it was learnt. */
export type OpeningRates = {
  /** How many studies it rests on, and how many of them were opened. */
  readonly studies: number;
  readonly opened: number;
  /** How likely one that came then and is still unread is opened within so long from now. */
  chanceOf(arrivedMs: number, nowMs: number, withinMs: number): number;
};

const hourMs = 3_600_000;
const stepMs = hourMs / 4;
/** A study that was not opened for a day is not waited for. */
export const unreadMs = 24 * hourMs;
/** Ends of the ages that are told apart, in steps: a quarter of an hour, one hour, four, a day. */
const ages = [1, 4, 16, unreadMs / stepMs];
const hoursOfDay = 24;
const lastWorkingDay = 5;
/** So many unread hours an age at an hour must have been seen for, until it counts as much as the mean of all. */
const priorHours = 2;
/** Fewer openings are chance. */
const fewestOpenings = 5;

type Cell = { openings: number; hours: number };

/**
 * Openings per hour that a study lay unread, by its age and by the hour on the wall clock of the zone; working days are taken to be
 * alike, and the two others. What was seen for a short while only is drawn to the mean.
 */
export function learnOpenings(
  past: readonly StudyPast[],
  { timeZone, nowMs }: { readonly timeZone: string; readonly nowMs: number },
): OpeningRates {
  const clock = clockOf(timeZone);
  const cells = new Map<number, Cell>();
  const cellOf = (age: number, atMs: number): Cell => {
    const key = age * 2 * hoursOfDay + clock(atMs);
    const cell = cells.get(key) ?? { openings: 0, hours: 0 };
    cells.set(key, cell);
    return cell;
  };
  for (const study of past) live(study, nowMs, cellOf);
  const all = [...cells.values()];
  const opened = sumOf(all.map(({ openings }) => openings));
  const mean = opened < fewestOpenings ? 0 : opened / sumOf(all.map(({ hours }) => hours));
  return {
    studies: past.length,
    opened,
    chanceOf(arrivedMs, nowMs, withinMs) {
      const age = ageAt(Math.floor((nowMs - arrivedMs) / stepMs));
      if (mean === 0 || age === undefined) return 0;
      const { openings, hours } = cellOf(age, nowMs);
      const perHour = (openings + priorHours * mean) / (hours + priorHours);
      return 1 - Math.exp((-perHour * withinMs) / hourMs);
    },
  };
}

/** The unread time of one study, step by step. */
function live(
  { arrivedMs, openedMs, isStreamed }: StudyPast,
  nowMs: number,
  cellOf: (age: number, atMs: number) => Cell,
): void {
  // Clocks of nodes differ, and some are opened while they arrive.
  const readMs = openedMs === null ? Number.POSITIVE_INFINITY : Math.max(openedMs, arrivedMs + 1);
  const endMs = Math.min(readMs, nowMs, arrivedMs + unreadMs);
  for (let step = 0; arrivedMs + step * stepMs < endMs; step += 1) {
    const fromMs = arrivedMs + step * stepMs;
    const cell = cellOf(ageAt(step) ?? 0, fromMs);
    cell.hours += (Math.min(endMs, fromMs + stepMs) - fromMs) / hourMs;
    if (isStreamed && readMs === endMs && readMs <= fromMs + stepMs) cell.openings += 1;
  }
}

function ageAt(step: number): number | undefined {
  const age = ages.findIndex((end) => step < end);
  return age === -1 ? undefined : age;
}

/** Which hour of a working day (0–23) or of another day (24–47) it is; each quarter is looked up once. */
function clockOf(timeZone: string): (atMs: number) => number {
  const known = new Map<number, number>();
  return (atMs) => {
    const quarter = Math.floor(atMs / stepMs);
    const seen = known.get(quarter);
    if (seen !== undefined) return seen;
    const { day, minute } = localTime(new Date(quarter * stepMs), timeZone);
    const hour = (day <= lastWorkingDay ? 0 : hoursOfDay) + Math.floor(minute / 60);
    known.set(quarter, hour);
    return hour;
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
