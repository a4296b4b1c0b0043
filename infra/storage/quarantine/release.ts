import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { AppError, type QuarantinedObject, type QuarantineReleased } from '@medusa/protocol';
import { mostMetaBytes, parseFileMeta, type ParsedFileMeta } from '../dicom/file-meta.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import { isStored, type Ingest } from '../ingest/ingest.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Quarantine } from './quarantine.ts';

export type ReleaseDeps = {
  readonly quarantine: Quarantine;
  readonly objects: ObjectStore;
  readonly ingest: Ingest;
};

/**
 * Lets an object in by the usual way, but for the judgement that held it. It stays in quarantine until it is stored.
 * @throws AppError `object.unknown`, `object.invalid`
 */
export async function release(id: string, deps: ReleaseDeps): Promise<QuarantineReleased> {
  const entry = deps.quarantine.find(id);
  if (!entry) throw unknownObject();
  const outcome = await ingestAgain(entry, deps);
  await deps.quarantine.remove(id);
  return { outcome };
}

export function unknownObject(): AppError {
  return new AppError('object.unknown', 'There is no such object in quarantine');
}

async function ingestAgain(
  { id, receivedFrom }: QuarantinedObject,
  { objects, ingest }: ReleaseDeps,
): Promise<QuarantineReleased['outcome']> {
  const path = objects.quarantinePathOf(id);
  const { meta, header } = await readHeader(path);
  const arrival = await ingest.begin(meta, { receivedFrom, isReleased: true }, header);
  if (!arrival) throw new AppError('object.invalid', 'There is no space left to store it');
  try {
    const bytes: AsyncIterable<Buffer> = createReadStream(path, { start: header.length });
    for await (const chunk of bytes) await arrival.write(chunk);
    const outcome = await arrival.complete();
    if (isStored(outcome)) return outcome.kind;
    const reason = 'reason' in outcome ? outcome.reason : outcome.kind;
    throw new AppError('object.invalid', `It cannot be stored: ${reason}`);
  } finally {
    await arrival.discard();
  }
}

async function readHeader(path: string): Promise<{ meta: ParsedFileMeta; header: Buffer }> {
  await using file = await open(path, 'r');
  const head = Buffer.alloc(mostMetaBytes);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  try {
    const meta = parseFileMeta(head.subarray(0, bytesRead));
    if (meta) return { meta, header: head.subarray(0, meta.dataOffset) };
  } catch (error) {
    if (!(error instanceof MalformedDataSet)) throw error;
  }
  throw new AppError('object.invalid', 'It cannot be stored: it does not begin as a DICOM file');
}
