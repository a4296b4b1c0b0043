import type { PreWarmReport } from '@medusa/protocol';

type Bucket = PreWarmReport['buckets'][number];
export type BarPart = 'hits' | 'late' | 'misses' | 'unforeseen';
/** From the axis upwards; in the unit of the counts. */
export type Bar = {
  readonly bucket: Bucket;
  readonly parts: readonly { readonly part: BarPart; readonly from: number; readonly count: number }[];
};

export const barParts: readonly BarPart[] = ['hits', 'late', 'unforeseen', 'misses'];

/** What came, foreseen or not, with what did not come on top; and how high the axis reaches. */
export function barsOf(buckets: readonly Bucket[]): { bars: readonly Bar[]; top: number } {
  const bars = buckets.map((bucket) => {
    let from = 0;
    const parts = barParts.flatMap((part) => {
      const count = bucket[part];
      const begin = from;
      from += count;
      return count === 0 ? [] : [{ part, from: begin, count }];
    });
    return { bucket, parts };
  });
  const highest = buckets.map((bucket) => barParts.reduce((sum, part) => sum + bucket[part], 0));
  // Noise must not look like a mountain.
  return { bars, top: Math.max(4, ...highest) };
}
