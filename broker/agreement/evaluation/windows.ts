/** A stretch of time in ms since the epoch; its end does not belong to it. */
export type Span = { readonly fromMs: number; readonly toMs: number };

/** Either whole months, which differ in length, or a time. */
export type Duration = { readonly kind: 'months' | 'time'; readonly amount: number };

const dayMs = 86_400_000;
const meanMonthMs = 30.436875 * dayMs;

const pattern = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
/** What each part of the pattern is worth: months, then ms. */
const monthParts = [12, 1];
const timeParts = [7 * dayMs, dayMs, 3_600_000, 60_000, 1000];

/** Reads a duration of ISO 8601. `undefined`: none, nothing, or months and time at once, which have no common length. */
export function parseDuration(text: string): Duration | undefined {
  const parts =
    pattern
      .exec(text)
      ?.slice(1)
      .map((part: string | undefined) => Number(part ?? 0)) ?? [];
  const total = (worth: readonly number[], from: number): number =>
    worth.reduce((sum, each, index) => sum + each * (parts[from + index] ?? 0), 0);
  const months = total(monthParts, 0);
  const ms = total(timeParts, monthParts.length);
  if (months > 0) return ms > 0 ? undefined : { kind: 'months', amount: months };
  return ms > 0 ? { kind: 'time', amount: ms } : undefined;
}

/** For comparing durations: months at their mean length. */
export function lengthMs({ kind, amount }: Duration): number {
  return kind === 'months' ? amount * meanMonthMs : amount;
}

/** The window of this length in which an instant lies. Windows tile the time from fixed points (UTC: midnight, Monday, the first). */
export function windowAt(duration: Duration, atMs: number): Span {
  const { kind, amount } = duration;
  if (kind === 'time') {
    // The epoch was a Thursday: whole weeks begin on a Monday.
    const offset = amount % (7 * dayMs) === 0 ? 4 * dayMs : 0;
    const fromMs = Math.floor((atMs - offset) / amount) * amount + offset;
    return { fromMs, toMs: fromMs + amount };
  }
  const at = new Date(atMs);
  const month = Math.floor((at.getUTCFullYear() * 12 + at.getUTCMonth()) / amount) * amount;
  return { fromMs: firstOf(month), toMs: firstOf(month + amount) };
}

function firstOf(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12);
}

/** The windows whose end lies in (`fromMs`, `toMs`], in order of time. */
export function windowsEndingIn(duration: Duration, { fromMs, toMs }: Span): readonly Span[] {
  const windows: Span[] = [];
  for (let window = windowAt(duration, fromMs); window.toMs <= toMs; window = windowAt(duration, window.toMs))
    if (window.toMs > fromMs) windows.push(window);
  return windows;
}

/** The windows that become due in a span: each at its end, or when the agreement ends within it (`endMs`). */
export function dueWindows(duration: Duration, span: Span, endMs: number): readonly Span[] {
  const complete = windowsEndingIn(duration, span).filter(({ fromMs }) => fromMs < endMs);
  const isEnding = endMs > span.fromMs && endMs <= span.toMs;
  const last = isEnding ? windowAt(duration, endMs - 1) : undefined;
  return last && complete.at(-1)?.toMs !== last.toMs ? [...complete, last] : complete;
}

/** What two stretches have in common. */
export function overlap(a: Span, b: Span): Span | undefined {
  const span = { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.toMs, b.toMs) };
  return span.fromMs < span.toMs ? span : undefined;
}

export function isWithin(atMs: number, { fromMs, toMs }: Span): boolean {
  return atMs >= fromMs && atMs < toMs;
}
