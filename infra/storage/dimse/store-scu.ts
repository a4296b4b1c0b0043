import { open, type FileHandle } from 'node:fs/promises';
import type { StoredInstance } from '../index/retrieval.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { commandFields, statuses } from './command.ts';
import type { MessageExchange } from './exchange.ts';

const readBytes = 512 * 1024;
/** PS3.7 §9.3.1.1. */
const mediumPriority = 0;

export type Originator = { readonly title: string; readonly messageId: number };

/**
 * C-STORE as SCU: the stored bytes as they are. Answers the peer's status.
 * @throws when the association breaks, or the object cannot be read to its end and the message therefore not be finished
 */
export async function sendStored(
  exchange: MessageExchange,
  {
    contextId,
    instance,
    originator,
  }: { contextId: number; instance: StoredInstance; originator?: Originator },
  objects: Pick<ObjectStore, 'borrow'>,
): Promise<number> {
  const { sopClassUID, sopInstanceUID, sha256, dataOffset, bytes } = instance;
  // Before the command goes out: a message cannot be taken back.
  await using borrowed = await objects.borrow(sha256).catch(() => undefined);
  await using file = borrowed && (await open(borrowed.path, 'r').catch(() => undefined));
  if (!file || (await file.stat()).size !== dataOffset + bytes) return statuses.processingFailure;
  const responses = exchange.invoke(
    contextId,
    {
      affectedSopClassUID: sopClassUID,
      field: commandFields.storeRequest,
      priority: mediumPriority,
      affectedSopInstanceUID: sopInstanceUID,
      originatorTitle: originator?.title,
      originatorMessageId: originator?.messageId,
    },
    { length: bytes, chunks: pieces(file, dataOffset) },
  );
  for await (const { command } of responses) return command.status;
  return statuses.processingFailure;
}

async function* pieces(file: FileHandle, start: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = start; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** PS3.7 §C.4: warnings of C-STORE. */
export function isWarning(status: number): boolean {
  return status === 0x0001 || (status & 0xf000) === 0xb000 || [0x0107, 0x0116].includes(status);
}
