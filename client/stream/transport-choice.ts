import type { TransportKind } from './transport-kind.ts';

/** How the picture comes to this viewer, from one choice to the next. */
export type TransportStanding = {
  readonly kind: TransportKind;
  /** Since when. */
  readonly sinceMs: number;
  /** It has to prove that it is better than `media` was. */
  readonly isTrial: boolean;
  /** What inputs took on their way to the picture by `media`, before it was left for being slow; undefined: it was not. */
  readonly mediaMs: number | undefined;
  /** No trial before. */
  readonly trialAtMs: number;
  /** How long after a trial that failed the next one may be: trials disturb. */
  readonly patienceMs: number;
  /** When each failed last. */
  readonly failedAtMs: Readonly<Partial<Record<TransportKind, number>>>;
  readonly failures: number;
};

export type TransportConditions = {
  /** What this browser has, in the order of preference. */
  readonly able: readonly TransportKind[];
  /** What the user asks for, whatever is measured. */
  readonly wanted: TransportKind | undefined;
  /** It was refused, or cannot go on. */
  readonly isBroken: boolean;
  /** So long frames have been due over a path that is alive, and none was shown. */
  readonly waitedMs: number;
  /** What the inputs of this user took since it is so, beyond the render node's own work; of who only watches there are none. */
  readonly waysMs: readonly number[];
  readonly roundTripMs: number | null;
};

/** Fewer inputs say little. */
const fewestWays = 30;
/** `media` that takes this much longer than the path alone is worth a trial of something else: less is what busy processors take. */
const slowMs = 100;
/** It must be better by both, or it is not worth the change. */
const gain = { share: 0.8, ms: 8 } as const;
const patience = { leastMs: 60_000, mostMs: 1_800_000 } as const;
/** A trial without inputs to measure ends. */
const trialMs = 60_000;
/** The first picture over a poor path takes some time; after each failure longer is waited for. */
const showWithin = { leastMs: 4_000, mostMs: 60_000 } as const;

export function firstStanding(
  { able, wanted }: Pick<TransportConditions, 'able' | 'wanted'>,
  nowMs: number,
): TransportStanding {
  const isAble = wanted !== undefined && able.includes(wanted);
  return {
    kind: isAble ? wanted : (able[0] ?? 'media'),
    sinceMs: nowMs,
    ...{ isTrial: false, mediaMs: undefined },
    ...{ trialAtMs: nowMs, patienceMs: patience.leastMs, failedAtMs: {}, failures: 0 },
  };
}

/**
 * WebRTC video, as long as it works: nothing else hides a lost packet as well. Where it cannot be had, or shows nothing, the next that the
 * browser has; and so on, round and round, for something may have become better. Where it is slow for its path, decoding in the page is
 * tried, and kept if it is faster by a margin; once it is not any more, it is given up.
 */
export function chooseTransport(
  standing: TransportStanding,
  conditions: TransportConditions,
  nowMs: number,
): TransportStanding {
  const { isBroken, waitedMs, wanted, waysMs } = conditions;
  const patienceMs = Math.min(showWithin.mostMs, showWithin.leastMs * 2 ** standing.failures);
  if (isBroken || waitedMs > patienceMs) return afterFailure(standing, conditions, nowMs);
  if (wanted !== undefined) return standing;
  const wayMs = waysMs.length < fewestWays ? undefined : median(waysMs.slice(-fewestWays));
  return standing.kind === 'media'
    ? afterMedia(standing, { ...conditions, wayMs }, nowMs)
    : afterOther(standing, wayMs, nowMs);
}

/** What to try in turn when all is negotiated anew: what it was, then what has not failed, or failed longest ago. */
export function transportOrder(
  { kind, failedAtMs }: Pick<TransportStanding, 'kind' | 'failedAtMs'>,
  able: readonly TransportKind[],
): TransportKind[] {
  const others = able
    .filter((each) => each !== kind)
    .sort((one, other) => (failedAtMs[one] ?? -1) - (failedAtMs[other] ?? -1));
  return [kind, ...others];
}

function afterFailure(
  standing: TransportStanding,
  { able }: TransportConditions,
  nowMs: number,
): TransportStanding {
  const failedAtMs = { ...standing.failedAtMs, [standing.kind]: nowMs };
  const [, next = standing.kind] = transportOrder({ kind: standing.kind, failedAtMs }, able);
  return {
    ...{ ...standing, kind: next, sinceMs: nowMs, isTrial: false, mediaMs: undefined },
    ...{ failedAtMs, failures: standing.failures + 1 },
  };
}

function afterMedia(
  standing: TransportStanding,
  conditions: TransportConditions & { readonly wayMs: number | undefined },
  nowMs: number,
): TransportStanding {
  const { able, roundTripMs, wayMs } = conditions;
  const hasOther = able.includes('webcodecs') && standing.failedAtMs.webcodecs === undefined;
  const isSlow = wayMs !== undefined && roundTripMs !== null && wayMs > roundTripMs + slowMs;
  if (!isSlow || !hasOther || nowMs < standing.trialAtMs) return standing;
  return { ...standing, kind: 'webcodecs', sinceMs: nowMs, isTrial: true, mediaMs: wayMs };
}

/** To be kept it must be better by the margin; once it is, to be given up it must be worse than what it was better than. */
function afterOther(
  standing: TransportStanding,
  wayMs: number | undefined,
  nowMs: number,
): TransportStanding {
  const { mediaMs, isTrial, sinceMs } = standing;
  if (mediaMs === undefined) return standing;
  if (wayMs === undefined)
    return isTrial && nowMs - sinceMs > trialMs ? backToMedia(standing, nowMs) : standing;
  const isBetter = wayMs <= mediaMs * gain.share && wayMs <= mediaMs - gain.ms;
  if (isTrial) return isBetter ? { ...standing, isTrial: false } : backToMedia(standing, nowMs);
  return wayMs > mediaMs ? backToMedia(standing, nowMs) : standing;
}

function backToMedia(standing: TransportStanding, nowMs: number): TransportStanding {
  return {
    ...{ ...standing, kind: 'media', sinceMs: nowMs, isTrial: false, mediaMs: undefined },
    trialAtMs: nowMs + standing.patienceMs,
    patienceMs: Math.min(patience.mostMs, standing.patienceMs * 2),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
