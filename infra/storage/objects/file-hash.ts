import { createHash } from 'node:crypto';
import { mostMetaBytes, parseFileMeta } from '../dicom/file-meta.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';

/** All in hexadecimal. */
export type FileHashes = {
  readonly bytes: number;
  readonly sha256: string;
  readonly md5: string;
  /** What the object is named by; undefined when the file does not begin as one of ours. */
  readonly dataSetSha256: string | undefined;
};

/** The hashes of an object's file, whose bytes come one after the other. */
export interface FileHash {
  update(bytes: Buffer): void;
  digest(): FileHashes;
}

export function createFileHash(): FileHash {
  const whole = createHash('sha256');
  const md5 = createHash('md5');
  const dataSet = createHash('sha256');
  let bytes = 0;
  let isObject = true;
  /** Until it is known where the data set begins. */
  let head: Buffer | undefined = Buffer.alloc(0);
  const begin = (begun: Buffer): void => {
    const offset = dataOffsetOf(begun);
    if (offset === undefined) isObject = false;
    else dataSet.update(begun.subarray(offset));
    head = undefined;
  };
  return {
    update(chunk) {
      whole.update(chunk);
      md5.update(chunk);
      bytes += chunk.length;
      if (!head) dataSet.update(chunk);
      else {
        head = Buffer.concat([head, chunk]);
        if (head.length >= mostMetaBytes) begin(head);
      }
    },
    digest() {
      if (head) begin(head);
      return {
        bytes,
        sha256: whole.digest('hex'),
        md5: md5.digest('hex'),
        dataSetSha256: isObject ? dataSet.digest('hex') : undefined,
      };
    },
  };
}

export async function hashOf(chunks: AsyncIterable<Buffer>): Promise<FileHashes> {
  const hash = createFileHash();
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

function dataOffsetOf(head: Buffer): number | undefined {
  try {
    return parseFileMeta(head)?.dataOffset;
  } catch (error) {
    if (error instanceof MalformedDataSet) return undefined;
    throw error;
  }
}
