import type { Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { IndexDatabase } from '../index/index-database.ts';
import { bucketSettingsOf, type BucketConfig } from './buckets/bucket-settings.ts';
import { openFileStore } from './file-store.ts';
import type { ObjectStore } from './object-store.ts';
import { openBucket } from './buckets/open-bucket.ts';
import { openTieredStore } from './tiered-store.ts';

type ObjectsConfig = BucketConfig & {
  readonly directory: string;
  readonly nodeId: string;
  readonly reserveMiB: number;
};
type OpenedObjects = AsyncDisposable & {
  readonly objects: ObjectStore;
  registerMeters(registry: Registry): void;
};

const dayMs = 24 * 60 * 60 * 1000;

/** Objects on this disk, and in an object store where one is named. */
export async function openObjects(
  config: ObjectsConfig,
  { index, log }: { readonly index: IndexDatabase; readonly log: Logger },
): Promise<OpenedObjects> {
  await using opening = new AsyncDisposableStack();
  const local = opening.use(await openFileStore(config.directory));
  const settings = await bucketSettingsOf(config);
  const { hotGiB, hotDays } = config;
  const tier =
    settings &&
    opening.use(
      await openTieredStore(
        {
          prefix: config.objectsPrefix ?? `${config.nodeId}/`,
          hotBytes: hotGiB === undefined ? undefined : hotGiB * 2 ** 30,
          hotMs: hotDays === undefined ? undefined : hotDays * dayMs,
          reserveBytes: config.reserveMiB * 2 ** 20,
          scrubMs: config.scrubDays * dayMs,
        },
        { local, index, log, bucket: openBucket(settings) },
      ),
    );
  const opened = opening.move();
  return {
    objects: tier ?? local,
    registerMeters: (registry) => tier?.registerMeters(registry),
    [Symbol.asyncDispose]: async () => opened.disposeAsync(),
  };
}
