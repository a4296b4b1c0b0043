import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@medusa/protocol';
import type { Response } from 'express';

export type Body = AsyncIterable<Buffer> | Iterable<Buffer>;
export type Part = { readonly contentType: string; readonly location?: string; readonly body: Body };

/** Sends parts as `multipart/related` (RFC 2387), one after the other, no faster than the receiver reads. */
export async function sendMultipart(
  res: Response,
  type: string,
  parts: AsyncIterable<Part> | Iterable<Part>,
): Promise<void> {
  const boundary = randomUUID();
  res.set('Content-Type', `multipart/related; type="${type}"; boundary=${boundary}`);
  await pipeline(Readable.from(encode(boundary, parts), { objectMode: false }), res);
}

async function* encode(
  boundary: string,
  parts: AsyncIterable<Part> | Iterable<Part>,
): AsyncGenerator<Buffer> {
  for await (const { contentType, location, body } of parts) {
    const place = location ? `Content-Location: ${location}\r\n` : '';
    yield Buffer.from(`--${boundary}\r\nContent-Type: ${contentType}\r\n${place}\r\n`);
    yield* body;
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

export type MultipartEvent =
  | { readonly kind: 'part'; readonly headers: ReadonlyMap<string, string> }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'part-end' };

const mostHeaderBytes = 16 * 1024;

/** Reads a multipart body as it comes; holds no more of it than a chunk. @throws AppError `request.malformed` */
export async function* readMultipart(
  source: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<MultipartEvent, void, undefined> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter has no line end before it.
  let buffer = Buffer.from('\r\n');
  let state: 'preamble' | 'after-delimiter' | 'headers' | 'body' | 'epilogue' = 'preamble';
  for await (const chunk of source) {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      if (state === 'epilogue') {
        buffer = Buffer.alloc(0);
        break;
      }
      if (state === 'after-delimiter') {
        if (buffer.length < 2) break;
        state = buffer.toString('latin1', 0, 2) === '--' ? 'epilogue' : 'headers';
        continue;
      }
      if (state === 'headers') {
        const end = buffer.indexOf('\r\n\r\n');
        if (end < 0 && buffer.length > mostHeaderBytes) throw malformed('The headers of a part are too long');
        if (end < 0) break;
        yield { kind: 'part', headers: parseHeaders(buffer.toString('latin1', 0, end)) };
        // The line end before a delimiter right after the headers must stay.
        buffer = buffer.subarray(end + 4);
        state = 'body';
        continue;
      }
      const at = buffer.indexOf(delimiter);
      if (at < 0) {
        const safe = Math.max(0, buffer.length - delimiter.length);
        if (state === 'body' && safe > 0) yield { kind: 'bytes', bytes: buffer.subarray(0, safe) };
        buffer = buffer.subarray(safe);
        break;
      }
      if (state === 'body') {
        if (at > 0) yield { kind: 'bytes', bytes: buffer.subarray(0, at) };
        yield { kind: 'part-end' };
      }
      buffer = buffer.subarray(at + delimiter.length);
      state = 'after-delimiter';
    }
  }
  if (state !== 'epilogue') throw malformed('The multipart body has no end');
}

function malformed(message: string): AppError {
  return new AppError('request.malformed', message);
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0
        ? [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const]
        : [];
    }),
  );
}
