import { AppError } from '@medusa/protocol';
import type { DicomJson } from '../dicom/dicom-json.ts';
import type { Extent } from '../dicom/element-reader.ts';
import type { IndexedObject } from '../dicom/frame-reader.ts';
import type { ObjectLayout } from '../dicom/header.ts';
import type { InstanceRow } from '../index/study-index.ts';
import { frameBytes, imagePixelOf } from '../dicom/image.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import type { ObjectStore } from '../objects/object-store.ts';

/** An instance as the index knows it, wherever its bytes lie. */
export type KnownObject = Omit<IndexedObject, 'path'> & { readonly sha256: string };

export function knownObject(row: InstanceRow): KnownObject {
  let attributes: DicomJson | undefined;
  return {
    sha256: row.sha256,
    dataOffset: row.data_offset,
    transferSyntaxUID: row.transfer_syntax_uid,
    // Most frames are sent without a look at them.
    get attributes() {
      return (attributes ??= JSON.parse(row.metadata) as DicomJson);
    },
    layout: JSON.parse(row.layout) as ObjectLayout,
  };
}

/** Does work that wants a file: of the whole object, or of what decoding one frame reads of it. */
export async function withFile<Value>(
  { objects, object, frameIndex }: { objects: ObjectStore; object: KnownObject; frameIndex?: number },
  work: (object: IndexedObject) => Promise<Value>,
): Promise<Value> {
  const extents = frameIndex === undefined ? undefined : frameExtents(object, frameIndex);
  await using file = await objects.borrow(object.sha256, extents);
  const { attributes, layout, dataOffset, transferSyntaxUID } = object;
  return await work({ path: file.path, attributes, layout, dataOffset, transferSyntaxUID });
}

/** Undefined: it cannot be told, or all is needed. */
function frameExtents(
  { layout, attributes, transferSyntaxUID }: KnownObject,
  index: number,
): readonly Extent[] | undefined {
  const { encapsulated, native } = layout.pixels ?? {};
  if (encapsulated) return encapsulated[index];
  const image = imagePixelOf(attributes);
  if (!native || !image || transferSyntaxOf(transferSyntaxUID)?.isDeflated !== false) return undefined;
  const [start, length] = native;
  // PS3.5 §8.1.1: with 1 bit a pixel a frame may begin within a byte.
  const bits = image.rows * image.columns * image.samplesPerPixel;
  const isPacked = image.bitsAllocated === 1;
  const from = isPacked ? Math.floor((index * bits) / 8) : index * frameBytes(image);
  const to = isPacked ? Math.ceil(((index + 1) * bits) / 8) : from + frameBytes(image);
  return to <= length ? [[start + from, to - from]] : undefined;
}

/** Fails before anything of an answer is sent when the bytes cannot be had at all. */
export async function begun(bytes: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let at = first; at.done !== true; at = await iterator.next()) yield at.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

/** RFC 9110 §14.2, one range of bytes. Undefined when the whole is to be sent. @throws AppError when it lies outside */
export function parseRange(header: string | undefined, length: number): Extent | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || match[0] === 'bytes=-') return undefined;
  const [first, last] = match.slice(1).map((text) => (text === '' ? undefined : Number(text)));
  // `-500` asks for the last 500 bytes.
  const start = first ?? Math.max(0, length - (last ?? 0));
  const end = first === undefined || last === undefined ? length - 1 : Math.min(last, length - 1);
  if (start > end) throw new AppError('request.malformed', 'The range lies outside of the object');
  return [start, end - start + 1];
}

/** The bytes of the whole that a range of it covers. */
export function cutExtents(extents: readonly Extent[], [start, length]: Extent): Extent[] {
  const cut: Extent[] = [];
  let at = 0;
  for (const [offset, size] of extents) {
    const from = Math.max(start, at);
    const to = Math.min(start + length, at + size);
    if (from < to) cut.push([offset + from - at, to - from]);
    at += size;
  }
  return cut;
}
