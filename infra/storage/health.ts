import { statfs } from 'node:fs/promises';
import type { StorageHealth } from '@medusa/protocol';
import type { Registry } from 'prom-client';

type HealthDeps = {
  readonly directory: string;
  readonly reserveBytes: number;
  readonly metrics: Registry;
  readonly ingestSeconds: () => number;
};

/** What is counted for it may be a look through the index. */
const keptMs = 15_000;

/** What the broker makes alarms of. */
export function createHealth(deps: HealthDeps): () => Promise<StorageHealth> {
  let kept: { readonly tier: Tier; readonly untilMs: number } | undefined;
  return async () => {
    if (!kept || kept.untilMs < Date.now())
      kept = { tier: await readTier(deps.metrics), untilMs: Date.now() + keptMs };
    const { blocks, bavail, bsize } = await statfs(deps.directory);
    return {
      diskBytes: blocks * bsize,
      freeBytes: bavail * bsize,
      reserveBytes: deps.reserveBytes,
      ...kept.tier,
      ingestSeconds: deps.ingestSeconds(),
    };
  };
}

type Tier = Pick<
  StorageHealth,
  'objectStoreUp' | 'spoolObjects' | 'spoolStuck' | 'copiesDamaged' | 'copiesHealed'
>;

/** Null of each where there is no object store. */
async function readTier(metrics: Registry): Promise<Tier> {
  const sum = async (name: string): Promise<number | null> => {
    const metric = metrics.getSingleMetric(`medusa_storage_${name}`);
    if (!metric) return null;
    const { values } = await metric.get();
    return values.reduce((total, { value }) => total + value, 0);
  };
  const up = await sum('object_store_up');
  return {
    objectStoreUp: up === null ? null : up > 0,
    spoolObjects: await sum('spool_objects'),
    spoolStuck: await sum('spool_stuck'),
    copiesDamaged: await sum('copies_damaged_total'),
    copiesHealed: await sum('copies_healed_total'),
  };
}

/** The longest of the last minute. */
export function longestOfMinute(): { add(seconds: number): void; read(): number } {
  const minuteMs = 60_000;
  const seen: { atMs: number; seconds: number }[] = [];
  const drop = (): void => {
    const oldest = Date.now() - minuteMs;
    while (seen[0] && seen[0].atMs < oldest) seen.shift();
  };
  return {
    add(seconds) {
      // What is shorter than a later one can never be the longest again.
      while ((seen.at(-1)?.seconds ?? Infinity) <= seconds) seen.pop();
      seen.push({ atMs: Date.now(), seconds });
      drop();
    },
    read() {
      drop();
      return seen[0]?.seconds ?? 0;
    },
  };
}
