/** Two-sided 95 %. */
const z = 1.959963984540054;

/** The nearest rank (cf. NIST/SEMATECH 7.2.6.2) of values in ascending order, of which there is one at least. */
export function percentile(ascending: readonly number[], percent: number): number {
  // Whole numbers first: 0.95 × 20 is a little more than 19 in binary.
  const rank = Math.ceil((Math.round(percent * 10_000) * ascending.length) / 1_000_000);
  return ascending[Math.max(1, rank) - 1] ?? NaN;
}

/** The score interval of Wilson (1927) for `good` of `total` at 95 %, both within [0, 1]. */
export function wilson(good: number, total: number): { readonly low: number; readonly high: number } {
  const part = good / total;
  const spread = z * Math.sqrt((part * (1 - part)) / total + (z * z) / (4 * total * total));
  const centre = part + (z * z) / (2 * total);
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}
