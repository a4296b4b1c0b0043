/** What came over the path from the storage node while it was waited for. */
export type StudyRead = { readonly bytes: number; readonly waitedMs: number };

export type ReadingMeter = {
  /** A stage of a pipeline: passes the bytes of one answer on as they are. */
  readonly pass: (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;
};

/** Less says more about the start of a transfer than about the path, unless it took that long. */
const leastBytes = 500_000;
const longMs = 2_000;
const mostBytes = 16_000_000;
/** Of a fast path one value a second says enough. */
const quietMs = 1_000;
/** A reader that held the bytes up for a longer share of the time hides how fast they could have come. */
const mostHeldUp = 0.2;

/**
 * Measures a path by what is read over it anyway. Answers that come at the same time share the path: their bytes are added up, their time
 * is counted once. What comes with an answer's beginning is not timed, as nobody knows when it was sent. `nowMs` is a monotonic clock.
 */
export function createReadingMeter(tell: (read: StudyRead) => void, nowMs: () => number): ReadingMeter {
  let stretch = { bytes: 0, waitedMs: 0, heldUpMs: 0 };
  let open = 0;
  let waiting = 0;
  let since = nowMs();
  let toldAt = Number.NEGATIVE_INFINITY;

  const tick = (): void => {
    const at = nowMs();
    if (waiting > 0) stretch.waitedMs += at - since;
    else if (open > 0) stretch.heldUpMs += at - since;
    since = at;
  };
  const conclude = (): void => {
    const { bytes, waitedMs, heldUpMs } = stretch;
    if (bytes === 0 || waitedMs === 0) return;
    const isLong = waitedMs >= longMs || bytes >= mostBytes;
    const isEnough = open === 0 && bytes >= leastBytes && since - toldAt >= quietMs;
    if (!isLong && !isEnough) return;
    stretch = { bytes: 0, waitedMs: 0, heldUpMs: 0 };
    if (heldUpMs > mostHeldUp * (waitedMs + heldUpMs)) return;
    toldAt = since;
    tell({ bytes, waitedMs });
  };

  return {
    async *pass(source) {
      let isTimed = false;
      let isWaiting = false;
      const wait = (isNow: boolean): void => {
        tick();
        waiting += Number(isNow) - Number(isWaiting);
        isWaiting = isNow;
      };
      try {
        for await (const chunk of source) {
          wait(false);
          if (isTimed) stretch.bytes += chunk.length;
          else open += 1;
          isTimed = true;
          conclude();
          yield chunk;
          wait(true);
        }
      } finally {
        wait(false);
        if (isTimed) open -= 1;
        conclude();
      }
    },
  };
}
