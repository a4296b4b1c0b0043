/**
 * Exponential back-off with full jitter, in milliseconds.
 * @param attempt 0 for the first retry. @param random a number in [0, 1).
 */
export function backoffMs(
  attempt: number,
  random: number,
  limits: { readonly firstMs: number; readonly mostMs: number } = { firstMs: 100, mostMs: 5_000 },
): number {
  const ceiling = Math.min(limits.mostMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
