import type { PoolId } from '@medusa/protocol';
import { useEffect, useState } from 'react';
import { usePools } from '../provision/use-provision.ts';

/** One point of a pool's chart. */
export type PoolSample = {
  readonly at: number;
  readonly wanted: number;
  readonly ready: number;
  readonly used: number;
};
export type PoolSamples = ReadonlyMap<PoolId, readonly PoolSample[]>;

const keptMs = 10 * 60 * 1_000;

/** What was wanted, ready and used of each pool since the page was opened, at most the last ten minutes. */
export function usePoolSamples(): PoolSamples {
  const { data, dataUpdatedAt } = usePools();
  const [samples, setSamples] = useState<PoolSamples>(new Map());
  useEffect(() => {
    if (!data) return;
    setSamples(
      (known) =>
        new Map(
          data.map(({ id, target, counts, slots }) => {
            const sample = { at: dataUpdatedAt, wanted: target, ready: counts.ready, used: slots.used };
            const kept = known.get(id)?.filter(({ at }) => at > dataUpdatedAt - keptMs) ?? [];
            return [id, [...kept, sample]];
          }),
        ),
    );
  }, [data, dataUpdatedAt]);
  return samples;
}
