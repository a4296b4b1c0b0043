import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { MalformedDataSet } from './malformed.ts';

/** Bytes that are read where they are wanted: a 2 GiB object is never in memory. */
export interface ByteSource extends Disposable {
  readonly size: number;
  read(offset: number, length: number): Buffer;
}

/** Most headers need no more. Who goes on reading is read for in larger pieces. */
const leastWindowBytes = 16 * 1024;
const mostWindowBytes = 256 * 1024;

/** The first bytes of a file, where somebody has them, and how many there are in all: most readers need no more. */
export type FileBegin = { readonly head: Uint8Array; readonly size: number };

/** Synchronous on purpose: it is read in worker threads only. The file is opened when more is wanted than its beginning. */
function fileSource(path: string, begin?: FileBegin): ByteSource {
  let opened: number | undefined;
  const descriptor = (): number => (opened ??= openSync(path, 'r'));
  const size = begin?.size ?? fstatSync(descriptor()).size;
  let window: Buffer = begin
    ? Buffer.from(begin.head.buffer, begin.head.byteOffset, begin.head.byteLength)
    : Buffer.alloc(0);
  let windowStart = 0;
  let windowBytes = leastWindowBytes;

  const readAt = (offset: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(descriptor(), bytes, filled, length - filled, offset + filled);
      if (count === 0) throw new MalformedDataSet('the data end too early');
      filled += count;
    }
    return bytes;
  };

  return {
    size,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new MalformedDataSet('the data end too early');
      if (length > mostWindowBytes) return readAt(offset, length);
      const windowEnd = windowStart + window.length;
      if (offset < windowStart || offset + length > windowEnd) {
        const isNext = offset >= windowStart && offset <= windowEnd;
        windowBytes = isNext ? Math.min(2 * windowBytes, mostWindowBytes) : leastWindowBytes;
        window = readAt(offset, Math.min(Math.max(windowBytes, length), size - offset));
        windowStart = offset;
      }
      return window.subarray(offset - windowStart, offset - windowStart + length);
    },
    [Symbol.dispose]() {
      if (opened !== undefined) closeSync(opened);
    },
  };
}

export function bufferSource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length)
        throw new MalformedDataSet('the data end too early');
      return bytes.subarray(offset, offset + length);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** Deflated data sets are small (documents, structured reports); what inflates to more is taken for an attack. */
export const mostInflatedBytes = 512 * 1024 * 1024;
/** Real ones shrink to a third or a tenth. Small ones of nothing but zeros may shrink as they like. */
export const mostInflation = 100;
export const harmlessBytes = 16 * 1024 * 1024;

type ObjectFile = {
  readonly path: string;
  readonly dataOffset: number;
  readonly begin?: FileBegin | undefined;
};

/** A stored file whose data set may be deflated: then the offsets are those of the inflated bytes after `dataOffset`. */
export function openDataSet({ path, dataOffset, begin }: ObjectFile, isDeflated: boolean): ByteSource {
  const file = fileSource(path, begin);
  if (!isDeflated) return file;
  try {
    const header = Buffer.from(file.read(0, dataOffset));
    const deflated = file.read(dataOffset, file.size - dataOffset);
    const maxOutputLength = Math.min(
      mostInflatedBytes,
      Math.max(harmlessBytes, deflated.length * mostInflation),
    );
    return bufferSource(Buffer.concat([header, inflateRawSync(deflated, { maxOutputLength })]));
  } catch (error) {
    const isBomb = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    const reason = isBomb ? 'the data set inflates to too much' : 'the data set cannot be inflated';
    throw new MalformedDataSet(reason, { cause: error });
  } finally {
    file[Symbol.dispose]();
  }
}
