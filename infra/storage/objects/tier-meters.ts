import { Counter, Gauge, type Registry } from 'prom-client';

/** Which of the two copies: the one on this disk, or the one in the object store. */
type Place = 'local' | 'remote';

export interface TierMeters {
  moved(objects: number): void;
  notMoved(): void;
  evicted(): void;
  fetched(): void;
  damaged(place: Place): void;
  healed(place: Place): void;
  answers(isUp: boolean): void;
  /** Also those that are read when somebody asks. */
  register(
    registry: Registry,
    read: {
      waiting(): { readonly objects: number; readonly bytes: number; readonly stuck: number };
      copies(): { readonly objects: number; readonly bytes: number };
      localBytes(): number;
    },
  ): void;
}

/** Counts and sizes of the two places where objects lie. */
export function createTierMeters(): TierMeters {
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name: `medusa_storage_${name}`, help, labelNames, registers: [] });
  const moved = counter('objects_moved_total', 'Objects that were put into the object store');
  const notMoved = counter('objects_not_moved_total', 'Attempts at it that failed');
  const evicted = counter(
    'objects_evicted_total',
    'Objects whose copy here was given up, as one is in the object store',
  );
  const fetched = counter('objects_fetched_total', 'Objects that came back from the object store');
  const damaged = counter('copies_damaged_total', 'Copies that were found damaged or missing', ['place']);
  const healed = counter('copies_healed_total', 'Copies that were made again of the other one', ['place']);
  const up = new Gauge({
    name: 'medusa_storage_object_store_up',
    help: 'Whether the object store answered when it was last asked',
    registers: [],
  });
  for (const place of ['local', 'remote'] as const)
    for (const one of [damaged, healed]) one.inc({ place }, 0);
  return {
    moved: (objects) => moved.inc(objects),
    notMoved: () => notMoved.inc(),
    evicted: () => evicted.inc(),
    fetched: () => fetched.inc(),
    damaged: (place) => damaged.inc({ place }),
    healed: (place) => healed.inc({ place }),
    answers: (isUp) => up.set(Number(isUp)),
    register(registry, read) {
      for (const metric of [moved, notMoved, evicted, fetched, damaged, healed, up])
        registry.registerMetric(metric);
      const gauge = (name: string, help: string, value: () => number): Gauge =>
        new Gauge({
          name: `medusa_storage_${name}`,
          help,
          registers: [registry],
          collect() {
            this.set(value());
          },
        });
      gauge('spool_objects', 'Objects that are not in the object store yet', () => read.waiting().objects);
      gauge('spool_bytes', 'Their bytes', () => read.waiting().bytes);
      gauge('spool_stuck', 'Those among them that a person must look at', () => read.waiting().stuck);
      gauge('object_store_objects', 'Objects in the object store', () => read.copies().objects);
      gauge('object_store_bytes', 'Their bytes', () => read.copies().bytes);
      gauge('hot_bytes', 'Bytes of those that also lie here', () => read.localBytes());
    },
  };
}
