import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@medusa/protocol';
import { backoffMs } from '@medusa/kernel';
import type { Extent } from '../../dicom/element-reader.ts';
import { DamagedCopy, type Wanted } from './bucket.ts';
import { refused, unreachable, type HttpReply } from './http-client.ts';

/** A reader waits meanwhile, so it is not many. */
const mostBreaks = 4;
const pauses = { firstMs: 100, mostMs: 1_000 };

/** Range and condition of a request for bytes (RFC 9110 §14.2, §13.1.1). */
export function rangeHeaders([start, length]: Extent, etag: string): Record<string, string> {
  return {
    range: `bytes=${start}-${start + length - 1}`,
    ...(etag !== '' && { 'if-match': `"${etag}"` }),
  };
}

/** All of the bytes. Where a connection breaks, or one server of several dies, it goes on from there. */
export async function* rangedRead(
  ask: (extent: Extent) => Promise<HttpReply>,
  { extent, etag }: Wanted,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let [start, left] = extent;
  for (let breaks = 0; left > 0;) {
    try {
      const reply = await ask([start, left]);
      requireRange(reply, { extent: [start, left], etag });
      try {
        for await (const chunk of reply.body as AsyncIterable<Buffer>) {
          start += chunk.length;
          left -= chunk.length;
          if (left < 0) throw new DamagedCopy('More bytes came than were asked for');
          yield chunk;
        }
      } finally {
        reply.body.destroy();
      }
    } catch (error) {
      if (!isTransient(error) || signal.aborted || breaks >= mostBreaks) throw told(error);
      await delay(backoffMs(breaks, Math.random(), pauses), undefined, { signal });
    }
    if (left > 0 && ++breaks > mostBreaks) throw unreachable('An object of the object store breaks off');
  }
}

function told(error: unknown): unknown {
  const isTold = error instanceof AppError || error instanceof DamagedCopy;
  return isTold ? error : unreachable('An object of the object store breaks off', error);
}

/** What the sockets say, and what the servers do, but nothing about the object. */
function isTransient(error: unknown): boolean {
  if (error instanceof DamagedCopy) return false;
  return !(error instanceof AppError) || error.code === 'storage.unreachable';
}

function requireRange(reply: HttpReply, { extent: [start, length], etag }: Wanted): void {
  const { status, headers, body } = reply;
  const problem = problemOf(status);
  if (problem) {
    body.destroy();
    throw problem;
  }
  if (status !== 206) throw refused(reply);
  const isRange = headers['content-range']?.startsWith(`bytes ${start}-${start + length - 1}/`) === true;
  if (isRange && (etag === '' || etagOf(reply) === etag)) return;
  body.destroy();
  throw otherBytes();
}

function problemOf(status: number): Error | undefined {
  if (status === 404) return new AppError('object.unknown', 'The object is not in the object store');
  // The condition does not hold; it ends before the range.
  return status === 412 || status === 416 ? otherBytes() : undefined;
}

function otherBytes(): DamagedCopy {
  return new DamagedCopy('Other bytes lie in the object store than were put there');
}

/** As S3 and Swift write it, with and without quotes. */
export function etagOf({ headers }: HttpReply): string {
  return (headers.etag ?? '').replace(/^(W\/)?"|"$/g, '');
}
