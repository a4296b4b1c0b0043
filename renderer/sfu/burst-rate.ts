/** A frame that came. The delay is of two clocks: of use only beside another one. */
type Arrived = { readonly bytes: number; readonly delayMs: number; readonly atMs: number };

export type BurstRate = {
  /** What the path carries; undefined while it is not known. */
  readonly kbps: number | undefined;
  /** When the last frame was sent that says so. */
  readonly knownAtMs: number;
  /** @returns that the path is another, better one than that of the frames before. */
  take(frame: Arrived): boolean;
};

/** Of frames below `leastBytes` the busy processors at both ends would be measured. */
const judged = { withinMs: 1_000, leastBytes: 7_000, timesSmall: 1.5, fewest: 5 } as const;
/** Resends and queues make frames later, nothing makes them sooner. */
const quantile = 0.75;
/** Clocks and processors are not finer. */
const unevenMs = 3;
/** When small frames come later for so long, the path has become longer, or the clocks drift. */
const longerAfterMs = 5_000;
/** No small frame came since. */
const tooOldMs = 30_000;

/**
 * The rate of a path from single frames: each leaves as one burst, so how much longer a large one takes than a small one is what its bytes
 * take on the narrowest link. Known after a few frames, and before anything queues; but only of frames that are not all alike.
 */
export function createBurstRate(): BurstRate {
  let kbps: number | undefined;
  let knownAtMs = -Infinity;
  /** The frame that was there soonest. */
  let small: Arrived | undefined;
  let recent: Arrived[] = [];
  /** Of the frames about as small as that one, in the present stretch. */
  let soonest: Arrived | undefined;
  let soonestSinceMs = -Infinity;

  const forget = (): void => {
    kbps = undefined;
    recent = [];
  };
  /** About as many bytes in less time than ever: it is another path, or what was seen of it had queued. */
  const isBetter = (frame: Arrived): boolean =>
    small !== undefined &&
    small.delayMs - frame.delayMs > unevenMs &&
    frame.bytes > small.bytes / judged.timesSmall;
  const smaller = (frame: Arrived): Arrived => {
    if (!small) return frame;
    const soonerMs = small.delayMs - frame.delayMs;
    return soonerMs > unevenMs || (soonerMs > 0 && frame.bytes <= small.bytes) ? frame : small;
  };
  /** The small frame as it would come now. */
  const renew = (frame: Arrived, base: Arrived): Arrived => {
    if (frame.bytes <= judged.timesSmall * base.bytes && frame.delayMs < (soonest?.delayMs ?? Infinity))
      soonest = frame;
    if (frame.atMs - soonestSinceMs < longerAfterMs) return base;
    const [renewed, sinceMs] = [soonest, soonestSinceMs];
    [soonest, soonestSinceMs] = [undefined, frame.atMs];
    if (!Number.isFinite(sinceMs)) return base;
    if (renewed) return { ...base, atMs: frame.atMs, delayMs: Math.max(base.delayMs, renewed.delayMs) };
    return frame.atMs - base.atMs > tooOldMs ? frame : base;
  };

  return {
    get kbps() {
      return kbps;
    },
    get knownAtMs() {
      return knownAtMs;
    },
    take(frame) {
      const isOther = isBetter(frame);
      if (isOther) forget();
      const base = renew(frame, smaller(frame));
      small = base;
      recent = [...recent.filter(({ atMs }) => atMs > frame.atMs - judged.withinMs), frame];
      const leastBytes = Math.max(judged.leastBytes, judged.timesSmall * base.bytes);
      const rates = recent
        .filter(({ bytes }) => bytes >= leastBytes)
        .map(({ bytes, delayMs }) => ((bytes - base.bytes) * 8) / Math.max(1, delayMs - base.delayMs))
        .sort((one, another) => one - another);
      if (rates.length < judged.fewest) return isOther;
      kbps = rates[Math.floor(quantile * (rates.length - 1))];
      knownAtMs = frame.atMs;
      return isOther;
    },
  };
}
