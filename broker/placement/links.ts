import type { Estimate, PathEstimate } from './candidate.ts';

/** How good a path is: the rate of transfers over it in kbit/s, or its round trip in ms. */
export type LinkMeasure = 'kbps' | 'rttMs';

/** What is remembered of one measure of one path: enough for an average that follows, and for its bad days. */
export type LinkRecord = {
  /** Exponentially weighted: a new value counts for a fifth. Of rates the time that a bit takes is averaged: it is what is waited for. */
  readonly average: number;
  /** The latest values, oldest first. */
  readonly recent: readonly number[];
  /** ms since the epoch. */
  readonly measuredAtMs: number;
};

const newest = 0.2;
const mostRecent = 20;
const badShare = 0.1;
/** After that time the doubt about a value has doubled. */
const doubtMs = 15 * 60_000;
/** What is older than this tells nothing any more. */
const forgottenMs = 24 * 3_600_000;
/** Of one that was measured once, little is known: this many values make a tenth percentile worth its name. */
const enoughValues = 5;

/** Takes a new value in. What is not a positive finite number is no measurement. */
export function observeLink(
  measure: LinkMeasure,
  known: LinkRecord | undefined,
  { value, atMs }: { readonly value: number; readonly atMs: number },
): LinkRecord | undefined {
  if (!Number.isFinite(value) || value <= 0) return known;
  if (!known || atMs - known.measuredAtMs > forgottenMs)
    return { average: value, recent: [value], measuredAtMs: atMs };
  return {
    average: averageOf(measure, known.average, value),
    recent: [...known.recent, value].slice(-mostRecent),
    measuredAtMs: Math.max(known.measuredAtMs, atMs),
  };
}

function averageOf(measure: LinkMeasure, known: number, value: number): number {
  if (measure === 'kbps') return 1 / ((1 - newest) / known + newest / value);
  return known + newest * (value - known);
}

/**
 * What to expect of a path now: the average, and the tenth percentile on the bad side (slow rates, long round trips).
 * The bad side grows with the age of the newest value and with how few there are; null when nothing is known any more.
 */
export function estimateLink(
  measure: LinkMeasure,
  record: LinkRecord | undefined,
  nowMs: number,
): Estimate | null {
  if (!record) return null;
  const ageMs = Math.max(0, nowMs - record.measuredAtMs);
  if (ageMs > forgottenMs) return null;
  const doubt = 1 + ageMs / doubtMs + Math.max(0, enoughValues - record.recent.length) / enoughValues;
  const sorted = [...record.recent].sort((a, b) => a - b);
  const last = sorted.length - 1;
  const rank = Math.floor(last * badShare);
  const typical = record.average;
  if (measure === 'kbps') return { typical, cautious: Math.min(typical, sorted[rank] ?? typical) / doubt };
  return { typical, cautious: Math.max(typical, sorted[last - rank] ?? typical) * doubt };
}

/**
 * A path of which only its two ways to a third place are known: as slow as the slower of them; as long as the longer one,
 * at worst as both. What is not known of a part is not known of the whole.
 */
export function joinPaths(first: PathEstimate, second: PathEstimate): PathEstimate {
  return {
    kbps: combine([first.kbps, second.kbps], Math.min, Math.min),
    rttMs: combine([first.rttMs, second.rttMs], Math.max, (a, b) => a + b),
  };
}

type Combine = (a: number, b: number) => number;

function combine(
  [first, second]: readonly [Estimate | null, Estimate | null],
  typical: Combine,
  cautious: Combine,
): Estimate | null {
  if (!first || !second) return null;
  return {
    typical: typical(first.typical, second.typical),
    cautious: cautious(first.cautious, second.cautious),
  };
}
