/** What is known when the wait is estimated. Durations in seconds. */
export type QueueFacts = {
  /** 1 = next. */
  readonly position: number;
  readonly slots: number;
  /** How long each session has been running by now. */
  readonly runningSeconds: readonly number[];
  /** How long ended sessions ran, the latest ones. */
  readonly recentSeconds: readonly number[];
};

const assumedSeconds = 15 * 60;
const leastSeconds = 5;

/**
 * When a queued session may start, in seconds; null when there is nothing to wait for.
 * Takes each session to run for the median of the recent ones, and replays the slots' release in order.
 */
export function estimateWaitSeconds({
  position,
  slots,
  runningSeconds,
  recentSeconds,
}: QueueFacts): number | null {
  if (slots === 0 || runningSeconds.length === 0) return null;
  const typical = median(recentSeconds) ?? assumedSeconds;
  const freeAt = runningSeconds
    .map((ran) => Math.max(leastSeconds, typical - ran))
    .sort((a, b) => a - b)
    .slice(0, slots);
  let startsAt = 0;
  for (let waiting = 0; waiting < position; waiting += 1) {
    startsAt = freeAt.shift() ?? typical;
    // Who starts then holds the slot for a typical while.
    freeAt.push(startsAt + typical);
    freeAt.sort((a, b) => a - b);
  }
  return Math.round(startsAt);
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
