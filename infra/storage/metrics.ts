import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { longestOfMinute } from './health.ts';
import type { IngestOutcome } from './ingest/ingest.ts';
import type { IndexTotals } from './index/study-index.ts';

export type Meters = {
  readonly registry: Registry;
  associationRefused(): void;
  refusedAssociations(): number;
  objectTaken(outcome: IngestOutcome['kind'], seconds: number): void;
  /** The longest of the last minute. */
  ingestSeconds(): number;
};

/** Counts, sizes and times; never a patient's, study's or sender's name. */
export function createMeters(read: {
  totals(): IndexTotals;
  associations(): number;
  freeBytes(): Promise<number>;
  certificateEndsAt(): Promise<Date | undefined>;
  jobs(): { waiting: number; failed: number };
  quarantined(): number;
  untold(): number;
}): Meters {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const longest = longestOfMinute();
  let refused = 0;
  const refusals = new Counter({
    name: 'medusa_storage_associations_refused_total',
    help: 'Associations rejected',
    registers,
  });
  const objects = new Histogram({
    name: 'medusa_storage_object_seconds',
    help: 'From the last byte of an object to its answer',
    labelNames: ['outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const gauge = (name: string, help: string, value: () => number | Promise<number>): Gauge =>
    new Gauge({
      name: `medusa_storage_${name}`,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  gauge('associations', 'Associations that run now', () => read.associations());
  gauge('studies', 'Studies in the index', () => read.totals().studies);
  gauge('instances', 'Instances in the index', () => read.totals().instances);
  gauge(
    'conflicts',
    'Objects kept beside others of the same SOP Instance UID',
    () => read.totals().conflicts,
  );
  gauge('quarantined', 'Objects in quarantine', () => read.quarantined());
  gauge('accesses_untold', 'Records of access that the broker has not taken yet', () => read.untold());
  gauge(
    'dicom_certificate_seconds',
    'Until the certificate for DICOM over TLS ends; NaN without one',
    async () => (((await read.certificateEndsAt())?.getTime() ?? NaN) - Date.now()) / 1000,
  );
  gauge('jobs_waiting', 'What is still to be done towards other entities', () => read.jobs().waiting);
  gauge('jobs_failed', 'What could not be done and is not tried again', () => read.jobs().failed);
  gauge('free_bytes', 'Free space for objects', async () => read.freeBytes());
  return {
    registry,
    associationRefused() {
      refused += 1;
      refusals.inc();
    },
    refusedAssociations: () => refused,
    objectTaken(outcome, seconds) {
      objects.observe({ outcome }, seconds);
      longest.add(seconds);
    },
    ingestSeconds: () => longest.read(),
  };
}
