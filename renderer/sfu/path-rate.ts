import type { FrameArrival } from '@medusa/protocol';
import { createBurstRate } from './burst-rate.ts';

/** A frame as it was handed to the SFU. Times in ms of the node's monotonic clock. */
type SentFrame = {
  readonly rtpTimestamp: number;
  /** Until it is there. */
  readonly bytes: number;
  /** All that was sent for it. */
  readonly wireBytes: number;
  readonly atMs: number;
};

export type PathRate = {
  /** What the path to this viewer carries, as far as known; undefined while it tells nothing, as a page in the background. */
  readonly kbps: number | undefined;
  /** When frames queued, were lost or stayed away last; undefined: never. */
  readonly fullAtMs: number | undefined;
  /** What a viewer was found to get before: where to begin, until it is heard. */
  expect(kbps: number): void;
  sent(frame: SentFrame): void;
  /** @param share of the packets of the last second that had to be sent again; more than 1 when again and again. */
  lost(share: number, nowMs: number): void;
  /** @param arrivals in any order, on the viewer's clock, which has nothing to do with ours; frames that are not known (any more) are passed over. */
  arrived(arrivals: readonly FrameArrival[], nowMs: number): void;
};

export const rateLimits = { leastKbps: 500, firstKbps: 12_000, mostKbps: 60_000 } as const;

/** Frames that are judged together: a single one may be late by a resend, or by the viewer's other business. */
const windowMs = 150;
/** Slow pictures are few in any time. */
const fewestInWindow = 3;
/** A frame takes up to its turn to cross a path that is just wide enough; what waits longer queues. */
const patienceMs = 15;
/** On a wide path as much is soon gone, and busy processors at either end are felt more than the path. */
const wide = { fromKbps: 8_000, patienceMs: 40 } as const;
/** No path that is just wide enough, and no single resend, takes that long. */
const pileMs = 140;
/** When frames are lost for good, resends find no room either. */
const leastShare = 0.75;
const leastJudged = 4;
/** As in Google's congestion control (draft-ietf-rmcat-gcc-02, 6): no line that one would use loses so many by itself. */
const congestedShare = 0.1;
const frameIntervalMs = { least: 16, most: 150 };
/** Of what came through while frames queued, so that the queue empties. */
const shareAfterQueue = 0.85;
const leastFall = 0.5;
const fallBySilence = 0.7;
const silenceMs = 600;
/** The first picture takes the viewer's page some time. */
const firstSilenceMs = 1_500;
const unknownAfterMs = 3_000;
/** Sevenfold in three seconds, as long as it is used and nothing queues; slower where a queue was met. */
const risePerMs = 0.65e-3;
const carefulRisePerMs = 0.16e-3;
const careful = { from: 0.8, to: 1.3 } as const;
/** Of single bursts: their headers, and packets that are sent again. What would be wider is not told well by them. */
const burst = { share: 0.8, mostKbps: 10_000, isOther: 1.8, isFarBelow: 0.5, freshMs: 1_000 } as const;
/** It was one connection that had the path for itself. */
const expectedShare = 0.8;
const longestStepMs = 250;
const leastUse = 0.5;
/** A narrow path is known by its bursts: nothing is to be gained by leaving much of its rate unused. */
const leastUsePastKnown = 0.75;
const useWindowMs = 500;
const keptMs = 4_000;
const baseWindowMs = 5_000;

type Frame = SentFrame & { arrivedMs: number | undefined };

/**
 * The rate of a path from how late whole frames come: delay beyond the least that was seen is a queue (as in LEDBAT, RFC 6817, and
 * SCReAM, RFC 8298). Estimators that look at single packets see a queue in every frame, which leaves as one burst, and a picture that
 * rests gives them nothing to go by. Single losses say nothing here: the SFU sends lost packets again.
 */
export function createPathRate(): PathRate {
  let kbps: number = rateLimits.firstKbps;
  /** What came through when frames queued last. */
  let fullKbps = Infinity;
  let frames: Frame[] = [];
  let heardMs: number | undefined;
  let isExpected = false;
  let fullAtMs: number | undefined;
  /** Frames sent before that tell of a rate that is no more. */
  let heedSinceMs = -Infinity;
  let judgedMs = -Infinity;
  const bursts = createBurstRate();
  const base = slidingLeast(baseWindowMs);

  const fall = (wanted: number, nowMs: number): void => {
    fullAtMs = nowMs;
    kbps = Math.max(rateLimits.leastKbps, Math.min(kbps, wanted));
    heedSinceMs = nowMs;
  };
  const usedKbps = (nowMs: number): number => {
    const recent = frames.filter(({ atMs }) => atMs > nowMs - useWindowMs);
    return kbpsOf(recent, useWindowMs);
  };
  /** The latest frames that came, and all that were sent between them. */
  const latest = (): { judged: Frame[]; came: Frame[] } => {
    const known = frames.filter(({ arrivedMs, atMs }) => arrivedMs !== undefined && atMs >= heedSinceMs);
    const last = known.at(-1);
    if (!last) return { judged: [], came: [] };
    const sinceMs = last.atMs - windowMs;
    const judged = frames.filter(({ atMs }) => atMs >= Math.max(heedSinceMs, sinceMs) && atMs <= last.atMs);
    // Of slow pictures a page may pass over one for the next: that is no loss.
    if (judged.length < fewestInWindow) {
      const came = known.slice(-fewestInWindow);
      return { judged: came, came };
    }
    return { judged, came: judged.filter(({ arrivedMs }) => arrivedMs !== undefined) };
  };
  const fallTo = (came: readonly Frame[], nowMs: number): void => {
    const [first, last] = [came[0], came.at(-1)];
    if (!first || !last) return;
    const tookMs = Math.max(last.atMs - first.atMs, delayOf(last) + last.atMs - delayOf(first) - first.atMs);
    // A few frames are a rough measure.
    const cameKbps = Math.max(kbpsOf(came.slice(1), tookMs), burst.share * (bursts.kbps ?? 0));
    fullKbps = Math.min(kbps, Math.max(leastFall * kbps, cameKbps));
    fall(fullKbps * shareAfterQueue, nowMs);
  };
  /** What bursts say of the path, as long as they do. */
  const carriedKbps = (nowMs: number): number =>
    nowMs - bursts.knownAtMs < burst.freshMs ? (bursts.kbps ?? Infinity) : Infinity;
  const risePace = (carried: number): number => {
    const known = bursts.kbps ?? Infinity;
    const isPastKnown = known < burst.mostKbps && kbps > burst.share * known;
    if (isPastKnown || kbps > fullKbps * careful.from) return carefulRisePerMs;
    const isFarBelow = carried > burst.mostKbps && kbps < carried * burst.isFarBelow;
    return isFarBelow && Number.isFinite(carried) ? 2 * risePerMs : risePerMs;
  };
  const rise = (stepMs: number, nowMs: number): void => {
    const carried = carriedKbps(nowMs);
    const isOther = Number.isFinite(carried) && carried > fullKbps * burst.isOther;
    if (isOther || kbps > fullKbps * careful.to) fullKbps = Infinity;
    const most = carried < burst.mostKbps ? Math.max(kbps, burst.share * carried) : rateLimits.mostKbps;
    kbps = Math.min(rateLimits.mostKbps, most, kbps * Math.exp(risePace(carried) * stepMs));
  };
  /** A picture that needs less than the path carries fills it all the same, once it needs more. */
  const heedBursts = (nowMs: number): void => {
    const carried = carriedKbps(nowMs);
    if (carried < burst.mostKbps) kbps = Math.max(rateLimits.leastKbps, Math.min(kbps, carried));
  };
  const isUsed = (nowMs: number): boolean => {
    const isPastKnown = kbps < wide.fromKbps && kbps > burst.share * (bursts.kbps ?? Infinity);
    return usedKbps(nowMs) > (isPastKnown ? leastUsePastKnown : leastUse) * kbps;
  };
  const judge = (nowMs: number): void => {
    const { judged, came } = latest();
    if (came.length < 2) return;
    const stepMs = Math.min(longestStepMs, nowMs - judgedMs);
    judgedMs = nowMs;
    const turnMs = turnOf(judged);
    const lateMs = came.map((frame) => delayOf(frame) - base.least());
    const queueMs = Math.min(...lateMs);
    // The first ones of a window may have come before it began.
    const hasPiledUp = Math.min(...lateMs.slice(-fewestInWindow)) > pileMs;
    const patience = kbps > wide.fromKbps ? wide.patienceMs : patienceMs;
    const hasLost = judged.length >= leastJudged && came.length < leastShare * judged.length;
    heedBursts(nowMs);
    if (queueMs > patience + turnMs || hasPiledUp || hasLost) fallTo(came, nowMs);
    else if (queueMs < patience / 2 + turnMs && isUsed(nowMs)) rise(stepMs, nowMs);
  };

  return {
    get kbps() {
      return heardMs === undefined && !isExpected ? undefined : kbps;
    },
    get fullAtMs() {
      return fullAtMs;
    },
    expect(expectedKbps) {
      if (heardMs !== undefined) return;
      isExpected = true;
      const wanted = expectedShare * expectedKbps;
      kbps = Math.min(rateLimits.firstKbps, Math.max(rateLimits.leastKbps, wanted));
    },
    sent(frame) {
      frames = frames.filter(({ atMs }) => atMs > frame.atMs - keptMs);
      frames.push({ ...frame, arrivedMs: undefined });
      const waiting = frames.find(
        ({ arrivedMs, atMs }) => arrivedMs === undefined && atMs > (heardMs ?? -Infinity),
      );
      const silentMs = waiting ? frame.atMs - waiting.atMs : 0;
      if (heardMs === undefined) {
        if (silentMs > firstSilenceMs) fullAtMs = frame.atMs;
        return;
      }
      if (silentMs > unknownAfterMs) heardMs = undefined;
      else if (silentMs > silenceMs && frame.atMs - heedSinceMs > silenceMs / 2)
        fall(kbps * fallBySilence, frame.atMs);
    },
    lost(share, nowMs) {
      // A queue that is never empty any more looks like a longer path: then the packets that it has no room for tell.
      if (share > congestedShare) fall(kbps * (1 - Math.min(1, share) / 2), nowMs);
    },
    arrived(arrivals, nowMs) {
      for (const { rtpTimestamp, atMs, untold } of arrivals) {
        const index = frames.findLastIndex((sent) => sent.rtpTimestamp === rtpTimestamp);
        const frame = frames[index];
        if (!frame) continue;
        for (const before of frames.slice(Math.max(0, index - untold), index)) before.arrivedMs ??= atMs;
        frame.arrivedMs = atMs;
        base.take(delayOf(frame), nowMs);
        if (bursts.take({ bytes: frame.bytes, atMs: frame.atMs, delayMs: delayOf(frame) }))
          fullKbps = Infinity;
        heardMs = nowMs;
        isExpected = false;
      }
      judge(nowMs);
    },
  };
}

/** Frames came so far apart, within what is taken for one motion. */
function turnOf(judged: readonly Frame[]): number {
  const spanMs = (judged.at(-1)?.atMs ?? 0) - (judged[0]?.atMs ?? 0);
  return Math.min(frameIntervalMs.most, Math.max(frameIntervalMs.least, spanMs / (judged.length - 1)));
}

/** On two clocks: of use only beside another delay. */
function delayOf({ arrivedMs = 0, atMs }: Frame): number {
  return arrivedMs - atMs;
}

function kbpsOf(frames: readonly SentFrame[], ms: number): number {
  return (frames.reduce((sum, { wireBytes }) => sum + wireBytes, 0) * 8) / ms;
}

/** The least of the last one to two windows. */
function slidingLeast(ofMs: number): { take(value: number, nowMs: number): void; least(): number } {
  let [former, present, sinceMs] = [Infinity, Infinity, -Infinity];
  return {
    take(value, nowMs) {
      if (nowMs - sinceMs > ofMs) [former, present, sinceMs] = [present, Infinity, nowMs];
      present = Math.min(present, value);
    },
    least: () => Math.min(former, present),
  };
}
