import { open } from 'node:fs/promises';
import { AppError } from '@medusa/protocol';
import type { Logger } from 'pino';
import { mostMetaBytes, parseFileMeta, type ParsedFileMeta } from '../dicom/file-meta.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import { contentOfShard, recordInstance } from '../index/study-index.ts';
import { DamagedCopy } from '../objects/buckets/bucket.ts';
import { hashOf } from '../objects/file-hash.ts';
import { readFileExtents } from '../objects/file-store.ts';
import { judge } from '../quarantine/defence.ts';
import { reconcile, unknownEntry } from '../quarantine/quarantine.ts';
import type { IngestDeps } from './ingest.ts';
import { readHeader } from './read-header.ts';

export type Recovery = { readonly reindexed: number; readonly quarantined: number; readonly missing: number };

/**
 * Makes objects and index agree after a crash. An object without a row came before the index was brought to the disk: it may have been acknowledged,
 * so it is indexed. One that is not what its name says was still being written when the machine stopped, and nobody was told of it; or somebody has
 * laid it there. A row without its object is a loss that only a person can make good.
 */
export async function recover(deps: IngestDeps, log: Logger): Promise<Recovery> {
  const count = { reindexed: 0, quarantined: 0, missing: 0 };
  for await (const { prefix, names } of deps.objects.shards()) {
    const indexed = new Set(contentOfShard(deps.index, prefix));
    for (const sha256 of names) if (!indexed.has(sha256)) count[await reindex(deps, sha256)] += 1;
    for (const sha256 of indexed) if (!names.has(sha256)) count.missing += 1;
  }
  await reconcile(deps.defence.quarantine, deps.objects, deps.now);
  if (count.missing > 0) log.error(count, 'objects are missing or cannot be read');
  else log.info(count, 'objects and index agree');
  return count;
}

async function reindex(deps: IngestDeps, sha256: string): Promise<keyof Recovery> {
  let meta: ParsedFileMeta | undefined;
  try {
    await using borrowed = await deps.objects.borrow(sha256);
    const { path } = borrowed;
    await using file = await open(path, 'r');
    const { size, mtime } = await file.stat();
    const head = Buffer.alloc(Math.min(size, mostMetaBytes));
    await file.read(head, 0, head.length, 0);
    meta = parseFileMeta(head);
    if (!meta) throw new MalformedDataSet('the file ends within its meta information');
    const { dataOffset, transferSyntaxUID } = meta;
    const { findings, ...parsed } = await readHeader(deps.headers, { path, dataOffset, transferSyntaxUID });
    // It was scanned before it got its name here. What somebody laid here by hand was not, but is looked at.
    const judgement = await judge({ findings, path }, { policy: deps.defence.policy, scanner: undefined });
    if (judgement.kind !== 'clean') throw new MalformedDataSet(judgement.reason);
    if ((await hashOf(readFileExtents(path))).dataSetSha256 !== sha256)
      throw new MalformedDataSet('its bytes are not those of its name');
    recordInstance(deps.index, {
      ...parsed,
      transferSyntaxUID,
      sha256,
      dataOffset,
      bytes: size - dataOffset,
      receivedAt: mtime.toISOString(),
      receivedFrom: meta.sourceApplicationEntityTitle || 'STOW-RS',
    });
    return 'reindexed';
  } catch (error) {
    // It lies elsewhere, and cannot be had just now: the next start tries again.
    if (error instanceof AppError || error instanceof DamagedCopy) return 'missing';
    if (!(error instanceof MalformedDataSet)) throw error;
    await deps.objects.quarantine(sha256);
    const at = deps.now();
    deps.defence.quarantine.note(sha256, unknownEntry(sha256, { reason: error.message, at, meta }));
    return 'quarantined';
  }
}
