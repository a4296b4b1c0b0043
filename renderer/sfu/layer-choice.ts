import type { PictureLayer } from '@medusa/protocol';
import { rateLimits } from './path-rate.ts';
import type { BulkPace } from './still-sender.ts';

/** What is known of the path to one participant who watches. */
export type WatchedPath = {
  /** What it carries as far as it was used; undefined while it tells nothing. */
  readonly kbps: number | undefined;
  /** When frames queued, were lost or stayed away on it last; undefined: never. */
  readonly fullAtMs: number | undefined;
  /** What it carried of the latest lossless still. */
  readonly still?: BulkPace | undefined;
};

/** How a participant stands, from one choice to the next. */
export type Standing = {
  readonly layer: PictureLayer;
  /** Since when it has this layer. */
  readonly sinceMs: number;
  /** It gets the main layer to see whether its path takes it; until that is known the others do not heed it. */
  readonly isTrial: boolean;
  /** Since when it is short of the layer that it has, or has more than that; undefined: it is as it should be. */
  readonly differsSinceMs: number | undefined;
  /** How long its path must have been good before the next trial: trials disturb who fails them. */
  readonly patienceMs: number;
};

export type LayerChoice<Id> = {
  readonly standings: ReadonlyMap<Id, Standing>;
  /** Undefined: what it was stays. */
  readonly mainKbps: number | undefined;
  /** Null: nobody needs the weak layer. */
  readonly weakKbps: number | null;
};

/** Of what the best path carries: who has less gets the weak layer. */
const share = 0.4;
/** The main layer is worth nothing below, if others get more. */
const leastMainKbps = 1_500;
/** A moment of trouble is not worth the change. */
const shortForMs = 400;
/** Estimates fall by evidence alone, but stay low as long as nothing moves. */
const freshMs = 2_000;
const trialMs = 3_000;
/** `unknown`: so many times as long when nothing moved that could have told. */
const patience = { least: 5_000, most: 120_000, forgottenAfterMs: 60_000, unknown: 4 } as const;
/** What a path must have carried of a still to have the main layer, as a share of what that takes at least. */
const provenShare = 2;
const mostWeakKbps = 4_000;

const newcomer: Omit<Standing, 'sinceMs'> = {
  layer: 'main',
  isTrial: true,
  differsSinceMs: undefined,
  patienceMs: patience.least,
};

/**
 * Who gets which layer, and how much each layer may take: the main one what the least of those carries who can have it, the weak one what the
 * least of the others carries. Nobody is weak but beside somebody better, so to one alone the main layer adapts.
 *
 * What a path carries is known only as far as it was used, and the weak layer uses little: whether a path has become better is told by the
 * stills that it carries, and found out by a trial of the main layer.
 */
export function chooseLayers<Id>(
  former: ReadonlyMap<Id, Standing>,
  paths: ReadonlyMap<Id, WatchedPath>,
  nowMs: number,
): LayerChoice<Id> {
  const known = [...paths].map(([id, path]) => ({ id, path, kbps: knownKbps(path) }));
  const best = known.reduce((most, { kbps = -1 }) => Math.max(most, kbps), 0);
  const isLess = (kbps: number): boolean =>
    kbps < best && (kbps < share * best || (kbps < leastMainKbps && best >= leastMainKbps));

  const standings = new Map<Id, Standing>();
  for (const { id, path, kbps } of known) {
    const standing = former.get(id) ?? { ...newcomer, sinceMs: nowMs };
    if (kbps === undefined) standings.set(id, { ...standing, differsSinceMs: undefined });
    else if (standing.layer === 'main')
      standings.set(id, afterMain(standing, isLess(kbps) && isFresh(path, nowMs), nowMs));
    else {
      const least = Math.min(leastMainKbps, share * best);
      const isProven = hasCarried(standing, path, provenShare * least);
      const isGood = kbps >= least || isProven;
      standings.set(id, afterWeak(standing, { path, isBest: kbps >= best, isGood, isProven }, nowMs));
    }
  }

  const isWeak = (id: Id): boolean => standings.get(id)?.layer === 'weak';
  const heeded = known.flatMap(({ id, kbps }) => {
    if (kbps === undefined || isWeak(id) || isLess(kbps)) return [];
    return standings.get(id)?.isTrial === true && kbps < best ? [] : kbps;
  });
  const weak = known.filter(({ id }) => isWeak(id));
  return {
    standings,
    mainKbps: heeded.length > 0 ? Math.max(rateLimits.leastKbps, Math.min(...heeded)) : undefined,
    weakKbps: weak.length > 0 ? weakRate(weak.flatMap(({ path }) => path.kbps ?? [])) : null,
  };
}

/** Who tells nothing although frames were sent to it gets none through. */
function knownKbps({ kbps, fullAtMs }: WatchedPath): number | undefined {
  return kbps ?? (fullAtMs === undefined ? undefined : 0);
}

/** Since it has the weak layer, and since it was full: what it carried before is no word of what it carries now. */
function hasCarried(
  { sinceMs }: Standing,
  { still, fullAtMs = sinceMs }: WatchedPath,
  kbps: number,
): boolean {
  return still !== undefined && still.kbps >= kbps && still.atMs > Math.max(sinceMs, fullAtMs);
}

function isFresh({ fullAtMs }: WatchedPath, nowMs: number): boolean {
  return fullAtMs !== undefined && nowMs - fullAtMs < freshMs;
}

function afterMain(standing: Standing, isShort: boolean, nowMs: number): Standing {
  const lastedMs = nowMs - standing.sinceMs;
  if (!isShort)
    return {
      ...standing,
      differsSinceMs: undefined,
      isTrial: standing.isTrial && lastedMs < trialMs,
      patienceMs: lastedMs > patience.forgottenAfterMs ? patience.least : standing.patienceMs,
    };
  const differsSinceMs = standing.differsSinceMs ?? nowMs;
  if (nowMs - differsSinceMs < shortForMs) return { ...standing, differsSinceMs };
  return {
    layer: 'weak',
    sinceMs: nowMs,
    isTrial: false,
    differsSinceMs: undefined,
    patienceMs: standing.patienceMs,
  };
}

function afterWeak(
  standing: Standing,
  {
    path,
    isBest,
    isGood,
    isProven,
  }: Record<'isBest' | 'isGood' | 'isProven', boolean> & { path: WatchedPath },
  nowMs: number,
): Standing {
  const main = {
    ...newcomer,
    sinceMs: nowMs,
    // Should it fail, the next trial comes later.
    patienceMs: Math.min(patience.most, standing.patienceMs * 2),
  };
  if (isBest) return { ...main, isTrial: false };
  const goodSinceMs = Math.max(standing.differsSinceMs ?? nowMs, path.fullAtMs ?? 0);
  const easyMs = nowMs - Math.max(standing.sinceMs, path.fullAtMs ?? 0);
  if (!isGood)
    return easyMs < patience.unknown * standing.patienceMs
      ? { ...standing, differsSinceMs: undefined }
      : main;
  const patienceMs = isProven ? patience.least : standing.patienceMs;
  return nowMs - goodSinceMs < patienceMs ? { ...standing, differsSinceMs: goodSinceMs } : main;
}

function weakRate(told: readonly number[]): number {
  if (told.length === 0) return rateLimits.leastKbps;
  return Math.max(rateLimits.leastKbps, Math.min(mostWeakKbps, ...told));
}
