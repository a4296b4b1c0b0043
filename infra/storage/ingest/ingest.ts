import type { TypedEmitter } from '@medusa/kernel';
import { textOf } from '../dicom/dicom-json.ts';
import type { FileMeta } from '../dicom/file-meta.ts';
import type { ParsedObject } from '../dicom/header.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { foresee, recordInstance, type RecordOutcome } from '../index/study-index.ts';
import type { IncomingObject, ObjectStore } from '../objects/object-store.ts';
import type { Claims } from '../retention/claims.ts';
import type { Quota } from '../retention/quota.ts';
import { readHeader } from './read-header.ts';
import { judge, type Defence, type Judgement } from '../quarantine/defence.ts';

export type IngestEvents = { 'study.changed': [studyInstanceUID: string] };

/** What became of an object that was sent to us. Only after `stored`, `duplicate` and `conflict` does it lie here, durably. */
export type IngestOutcome =
  | { readonly kind: RecordOutcome; readonly studyInstanceUID: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** By the site's policy; nothing of it is kept. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It lies in quarantine, durably, and is served to nobody. */
  | { readonly kind: 'quarantined'; readonly reason: string; readonly isAcknowledged: boolean }
  | { readonly kind: 'sop-class-mismatch' }
  | { readonly kind: 'sop-instance-mismatch' }
  | { readonly kind: 'study-mismatch' }
  | { readonly kind: 'out-of-space' }
  /** Its study is as large as it may be. */
  | { readonly kind: 'over-quota'; readonly reason: string };

export type IngestDeps = {
  readonly objects: ObjectStore;
  readonly index: IndexDatabase;
  readonly headers: WorkerPool;
  readonly events: TypedEmitter<IngestEvents>;
  readonly now: () => Date;
  /** Space that is never filled, so that the index and the machine live on. */
  readonly reserveBytes: number;
  readonly defence: Defence;
  readonly claims: Pick<Claims, 'take'>;
  readonly quota: Quota;
};

/** The one way in, for C-STORE, STOW-RS and what is released from quarantine alike. */
export interface Ingest {
  /**
   * Answers undefined when there is no space left.
   * @param header preamble and File Meta Information as they came; a sender by DIMSE has none, so they are ours
   */
  begin(meta: FileMeta, sender: Sender, header?: Buffer): Promise<Arrival | undefined>;
}

type Sender = {
  /** AE title, or `STOW-RS`. */
  readonly receivedFrom: string;
  /** When set, objects of other studies are refused. */
  readonly onlyStudy?: string;
  /** An administrator, or the scanner, has judged it. */
  readonly isReleased?: boolean;
  /** When set, it came to another node then, and from there to us. */
  readonly receivedAt?: string;
  /** When set, it is no other bytes. */
  readonly onlyContent?: string;
};

/** One object on its way in. One caller, one call at a time. */
export interface Arrival {
  /** A promise where it is not done at once. @throws when the disk refuses, by the promise; then discard. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** All bytes have come. */
  complete(): Promise<IngestOutcome>;
  /** The sender is gone, or what it sent is not wanted. Idempotent. */
  discard(): Promise<void>;
}

export function createIngest(deps: IngestDeps): Ingest {
  const hasSpace = createSpaceLook(deps);
  return {
    async begin(meta, sender, header) {
      if (!(await hasSpace())) return undefined;
      const incoming = await deps.objects.create(meta, header);
      return {
        write: (bytes): Promise<void> | undefined => incoming.write(bytes),
        discard: async () => incoming.discard(),
        async complete() {
          try {
            return await complete(deps, incoming, { meta, sender });
          } catch (error) {
            if (error instanceof MalformedDataSet) return { kind: 'malformed', reason: error.message };
            if (isOutOfSpace(error)) return { kind: 'out-of-space' };
            throw error;
          } finally {
            await incoming.discard();
          }
        },
      };
    },
  };
}

/** How long what was seen of the disk is believed: what comes in the meantime is less than any sensible reserve. */
const spaceLookMs = 250;

function createSpaceLook({ objects, reserveBytes, now }: IngestDeps): () => Promise<boolean> {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let hasSpace = false;
  return async () => {
    const nowMs = now().getTime();
    if (hasSpace && Math.abs(nowMs - lookedAtMs) < spaceLookMs) return true;
    hasSpace = (await objects.freeBytes()) >= reserveBytes;
    lookedAtMs = nowMs;
    return hasSpace;
  };
}

/** Whether the disk, or the quota on it, is full. */
export function isOutOfSpace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

type Origin = { readonly meta: FileMeta; readonly sender: Sender };

async function complete(deps: IngestDeps, incoming: IncomingObject, origin: Origin): Promise<IngestOutcome> {
  const { bytes, begin } = await incoming.finish();
  const { path, dataOffset } = incoming;
  const { transferSyntaxUID } = origin.meta;
  // A thread reads it while this one hashes it.
  const reading = readHeader(deps.headers, { path, dataOffset, transferSyntaxUID, begin });
  reading.catch(() => undefined);
  const sha256 = incoming.digest();
  const claim = deps.claims.take(sha256);
  try {
    return await take(deps, incoming, { ...origin, sha256, bytes, reading });
  } finally {
    claim[Symbol.dispose]();
  }
}

type Finished = Origin & {
  readonly sha256: string;
  readonly bytes: number;
  readonly reading: Promise<ParsedObject>;
};

async function take(deps: IngestDeps, incoming: IncomingObject, origin: Finished): Promise<IngestOutcome> {
  const { meta, sender, sha256, bytes } = origin;
  if (isReplica(sender) && sender.onlyContent !== sha256)
    return { kind: 'malformed', reason: 'other bytes than were asked for' };
  const { findings, ...parsed } = await origin.reading;
  const mismatch = mismatchOf(parsed, origin);
  if (mismatch) return mismatch;
  const studyInstanceUID = textOf(parsed.attributes, '0020000D');
  // Only what lies here durably is in the index.
  if (foresee(deps.index, meta.sopInstanceUID, sha256) === 'duplicate')
    return { kind: 'duplicate', studyInstanceUID };
  const receivedAt = sender.receivedAt ?? deps.now().toISOString();
  if (sender.isReleased !== true) {
    const judgement = await judge({ findings, path: incoming.path }, deps.defence);
    if (judgement.kind !== 'clean')
      return keepAway(judgement, incoming, { deps, origin, facts: { sha256, bytes, receivedAt } });
  }
  const { receivedFrom } = sender;
  const overQuota = deps.quota.refusalOf({
    studyInstanceUID,
    bytes,
    receivedFrom,
    isReplica: isReplica(sender),
  });
  if (overQuota !== undefined) return { kind: 'over-quota', reason: overQuota };
  // The order is the promise: bytes and their name on the disk, then the index, and only then the answer. What the index has not brought to
  // the disk when a machine stops, `recover` finds by that name.
  await incoming.keep();
  const received = { receivedAt, receivedFrom };
  const kind = recordInstance(deps.index, {
    ...parsed,
    ...received,
    transferSyntaxUID: meta.transferSyntaxUID,
    sha256,
    dataOffset: incoming.dataOffset,
    bytes,
  });
  if (kind === 'stored') deps.events.emit('study.changed', studyInstanceUID);
  return { kind, studyInstanceUID };
}

type Facts = { readonly sha256: string; readonly bytes: number; readonly receivedAt: string };

/** Bytes and entry are durable before anybody is answered. */
async function keepAway(
  judgement: Exclude<Judgement, { kind: 'clean' }>,
  incoming: IncomingObject,
  { deps, origin, facts }: { deps: IngestDeps; origin: Origin; facts: Facts },
): Promise<IngestOutcome> {
  const { kind, reason } = judgement;
  const { policy, quarantine } = deps.defence;
  if (kind === 'suspicious' && policy.suspicious === 'refuse') return { kind: 'refused', reason };
  const { meta, sender } = origin;
  const state = kind === 'unscanned' ? 'waiting' : 'held';
  await quarantine.take(incoming, { ...facts, meta, state, reason, receivedFrom: sender.receivedFrom });
  return { kind: 'quarantined', reason, isAcknowledged: policy.quarantineAnswer === 'success' };
}

/** Whether it lies here and is served. */
export function isStored(
  outcome: IngestOutcome,
): outcome is Extract<IngestOutcome, { studyInstanceUID: string }> {
  return 'studyInstanceUID' in outcome;
}

/** It was taken already, by a node that stands for this one. */
function isReplica({ onlyContent }: Sender): boolean {
  return onlyContent !== undefined;
}

function mismatchOf(
  { attributes }: Pick<ParsedObject, 'attributes'>,
  { meta, sender }: Origin,
): IngestOutcome | undefined {
  if (textOf(attributes, '00080016') !== meta.sopClassUID) return { kind: 'sop-class-mismatch' };
  if (textOf(attributes, '00080018') !== meta.sopInstanceUID) return { kind: 'sop-instance-mismatch' };
  const { onlyStudy } = sender;
  if (onlyStudy !== undefined && textOf(attributes, '0020000D') !== onlyStudy)
    return { kind: 'study-mismatch' };
  return undefined;
}
