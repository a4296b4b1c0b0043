/** Less says more about the start of a transfer than about the path. */
const leastBytes = 500_000;
/** A reader that held the bytes up for a longer share of the time hides how fast they could have come. */
const mostHeldUp = 0.2;

/**
 * A stage of a pipeline that passes bytes on as they are, and tells at their end at which rate they came, in kbit/s.
 * Only the time that was spent waiting for the sender counts. `nowMs` is a monotonic clock.
 */
export function timedTransfer(
  tell: (kbps: number) => void,
  nowMs: () => number,
): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* pass(source) {
    let bytes = 0;
    let heldUpMs = 0;
    let waitedMs = 0;
    let since = nowMs();
    for await (const chunk of source) {
      const came = nowMs();
      waitedMs += came - since;
      bytes += chunk.length;
      yield chunk;
      since = nowMs();
      heldUpMs += since - came;
    }
    const isTelling = bytes >= leastBytes && waitedMs > 0 && heldUpMs <= mostHeldUp * (waitedMs + heldUpMs);
    if (isTelling) tell((bytes * 8) / waitedMs);
  };
}
