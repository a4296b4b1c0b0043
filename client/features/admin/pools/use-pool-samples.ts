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
const pauseMs = 5_000;

/** What was wanted, ready and used of each pool since the page was opened, at most the last ten minutes. */
export function usePoolSamples(): PoolSamples {
  const { data, dataUpdatedAt } = usePools();
  const [samples, setSamples] = useState<PoolSamples>(new Map());
  useEffect(() => {
    if (!data) return undefined;
    const take = (): void => {
      const now = Date.now();
      setSamples(
        (known) =>
          new Map(
            data.map(({ id, target, counts, slots }) => {
              const kept = known.get(id)?.filter(({ at }) => at > now - keptMs) ?? [];
              return [id, [...kept, { at: now, wanted: target, ready: counts.ready, used: slots.used }]];
            }),
          ),
      );
    };
    take();
    // What does not change is true at that time too.
    const timer = setInterval(take, pauseMs);
    return () => clearInterval(timer);
  }, [data, dataUpdatedAt]);
  return samples;
}
