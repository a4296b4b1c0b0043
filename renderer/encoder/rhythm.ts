export type Rhythm = {
  /** As many pictures come in a second, for now. */
  readonly perSecond: number;
  /** @returns whether `perSecond` is another one now. */
  beat(atMs: number): boolean;
};

/** Rates that are told apart. */
const steps = [1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25] as const;
/** A picture between two others, as the answer to an input, is no rhythm; a few are. */
const weightOfLatest = 0.3;
/** After a rest nothing is known: the fastest may follow. */
const restMs = 300;
/** Pictures do not come to the millisecond. */
const tolerance = 1.15;

/** How often pictures come, of at most `most` in a second. */
export function createRhythm(most: number): Rhythm {
  const leastMs = 1_000 / most;
  let lastMs = -Infinity;
  let intervalMs = leastMs;
  let perSecond = most;
  return {
    get perSecond() {
      return perSecond;
    },
    beat(atMs) {
      const latestMs = atMs - lastMs;
      lastMs = atMs;
      if (latestMs > restMs) intervalMs = leastMs;
      else intervalMs += (Math.max(leastMs, latestMs) - intervalMs) * weightOfLatest;
      const before = perSecond;
      const found = (1_000 / intervalMs) * tolerance;
      perSecond = most * (steps.findLast((step) => step * most >= found) ?? 1);
      return perSecond !== before;
    },
  };
}
