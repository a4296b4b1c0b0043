import { randomUUID } from 'node:crypto';
import { AppError } from '@medusa/protocol';
import type { Response } from 'express';

export type Body = AsyncIterable<Buffer> | Iterable<Buffer>;
export type Part = { readonly contentType: string; readonly location?: string; readonly body: Body };

type Parts = AsyncIterable<Part> | Iterable<Part>;

/**
 * Sends parts as `multipart/related` (RFC 2387), one after the other, no faster than the receiver reads.
 * What cannot be made of the first part is thrown before anything is sent, so that it can still be told as a problem.
 */
export async function sendMultipart(res: Response, type: string, parts: Parts): Promise<void> {
  const boundary = randomUUID();
  const all = (async function* () {
    yield* parts;
  })();
  const first = await all.next();
  res.set('Content-Type', `multipart/related; type="${type}"; boundary=${boundary}`);
  await sending(res, async () => {
    for (let at = first; at.done !== true; at = await all.next()) {
      res.write(headOf(at.value, boundary));
      for await (const bytes of at.value.body) await written(res, bytes);
      res.write('\r\n');
    }
    res.end(`--${boundary}--\r\n`);
  }).finally(async () => all.return());
}

/** One part of a known length: nothing is cut into chunks, and what surrounds it goes with its first and last bytes. */
export async function sendOnePart(
  res: Response,
  type: string,
  part: Part & { length: number },
): Promise<void> {
  const boundary = randomUUID();
  const head = headOf(part, boundary);
  const tail = `\r\n--${boundary}--\r\n`;
  res.set({
    'Content-Type': `multipart/related; type="${type}"; boundary=${boundary}`,
    'Content-Length': String(Buffer.byteLength(head) + part.length + tail.length),
  });
  let left = part.length;
  await sending(res, async () => {
    res.write(head);
    for await (const bytes of part.body) {
      left -= bytes.length;
      const writing = written(res, bytes);
      if (left === 0) res.end(tail);
      await writing;
    }
    if (left > 0) throw new Error('A part is shorter than it was said to be');
    if (part.length === 0) res.end(tail);
  });
}

function headOf({ contentType, location }: Part, boundary: string): string {
  const place = location ? `Content-Location: ${location}\r\n` : '';
  return `--${boundary}\r\nContent-Type: ${contentType}\r\n${place}\r\n`;
}

/** No faster than the receiver reads. Each piece has been sent when the next one is asked for. */
export async function sendBody(res: Response, body: Body): Promise<void> {
  await sending(res, async () => {
    for await (const bytes of body) await written(res, bytes);
    res.end();
  });
}

/** The receiver must not take what was cut off for the whole. */
async function sending(res: Response, send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    res.destroy();
    throw error;
  }
}

/** Resolves when the memory is needed no more. @throws when the receiver is gone */
async function written(res: Response, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const gone = (): void => reject(new Error('The receiver is gone'));
    if (res.closed || res.destroyed) {
      gone();
      return;
    }
    res.once('close', gone);
    res.write(bytes, (error) => {
      res.off('close', gone);
      if (error) reject(error);
      else resolve();
    });
  });
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
  const splitter = new BoundarySplitter(boundary);
  for await (const chunk of source) yield* splitter.push(chunk);
  if (!splitter.hasEnded) throw malformed('The multipart body has no end');
}

type SplitState = 'preamble' | 'after-delimiter' | 'headers' | 'body' | 'epilogue';

class BoundarySplitter {
  readonly #delimiter: Buffer;
  // The first delimiter has no line end before it.
  #buffer: Buffer = Buffer.from('\r\n');
  #state: SplitState = 'preamble';

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  get hasEnded(): boolean {
    return this.#state === 'epilogue';
  }

  *push(chunk: Buffer): Generator<MultipartEvent, void, undefined> {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    let isStuck = false;
    while (!isStuck) {
      const before = this.#state;
      yield* this.#step();
      isStuck = this.#state === before;
    }
  }

  /** Goes on to the next state, or stays for want of bytes. */
  #step(): MultipartEvent[] {
    switch (this.#state) {
      case 'preamble':
      case 'body':
        return this.#readBody(this.#state === 'body');
      case 'after-delimiter':
        if (this.#buffer.length >= 2)
          this.#state = this.#buffer.toString('latin1', 0, 2) === '--' ? 'epilogue' : 'headers';
        return [];
      case 'headers':
        return this.#readHeaders();
      case 'epilogue':
        this.#buffer = Buffer.alloc(0);
        return [];
    }
  }

  #readHeaders(): MultipartEvent[] {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0 && this.#buffer.length > mostHeaderBytes)
      throw malformed('The headers of a part are too long');
    if (end < 0) return [];
    const headers = parseHeaders(this.#buffer.toString('latin1', 0, end));
    this.#buffer = this.#buffer.subarray(end + 4);
    this.#state = 'body';
    return [{ kind: 'part', headers }];
  }

  #readBody(isPart: boolean): MultipartEvent[] {
    const at = this.#buffer.indexOf(this.#delimiter);
    // The end of what is here may be the beginning of a delimiter.
    const length = at >= 0 ? at : Math.max(0, this.#buffer.length - this.#delimiter.length);
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(at >= 0 ? at + this.#delimiter.length : length);
    if (at >= 0) this.#state = 'after-delimiter';
    if (!isPart) return [];
    return [
      ...(bytes.length > 0 ? [{ kind: 'bytes', bytes } as const] : []),
      ...(at >= 0 ? [{ kind: 'part-end' } as const] : []),
    ];
  }
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
