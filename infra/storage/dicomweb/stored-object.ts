import { createReadStream } from 'node:fs';
import { AppError } from '@medusa/protocol';
import type { DicomJson } from '../dicom/dicom-json.ts';
import type { Extent } from '../dicom/element-reader.ts';
import type { IndexedObject } from '../dicom/frame-reader.ts';
import type { ObjectLayout } from '../dicom/header.ts';
import type { InstanceRow } from '../index/study-index.ts';
import type { ObjectStore } from '../objects/object-store.ts';

/** What a reader needs of an instance that the index knows. */
export function indexedObject(row: InstanceRow, objects: ObjectStore): IndexedObject {
  return {
    path: objects.pathOf(row.sha256),
    dataOffset: row.data_offset,
    transferSyntaxUID: row.transfer_syntax_uid,
    attributes: JSON.parse(row.metadata) as DicomJson,
    layout: JSON.parse(row.layout) as ObjectLayout,
  };
}

export async function* readExtents(path: string, extents: readonly Extent[]): AsyncGenerator<Buffer> {
  for (const [offset, length] of extents) {
    if (length === 0) continue;
    const stream: AsyncIterable<Buffer> = createReadStream(path, {
      start: offset,
      end: offset + length - 1,
      highWaterMark: 512 * 1024,
    });
    yield* stream;
  }
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
