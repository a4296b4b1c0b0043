import { createHash } from 'node:crypto';
import { DamagedCopy, type BucketSource } from './bucket.ts';
import { readFileExtents } from '../file-store.ts';

/** Some bytes of a file, with what is known of them. */
export type FilePart = {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  readonly md5: string;
};

/** What is to be put under a name, in parts of this length. */
export type PutInParts = {
  readonly name: string;
  readonly source: BucketSource;
  readonly partBytes: number;
};

/**
 * A file cut into parts of this length, the last one shorter; at most so many of them.
 * @throws DamagedCopy after the last of them, when they are not together what is known of the file
 */
export async function* partsOf(
  source: BucketSource,
  { partBytes, mostParts }: { readonly partBytes: number; readonly mostParts: number },
): AsyncGenerator<FilePart, void, undefined> {
  const { path, bytes } = source;
  const length = Math.max(partBytes, Math.ceil(bytes / mostParts));
  const whole = createHash('sha256');
  for (let [number, start] = [1, 0]; start < bytes; [number, start] = [number + 1, start + length]) {
    const [sha256, md5] = [createHash('sha256'), createHash('md5')];
    const part = Math.min(length, bytes - start);
    for await (const chunk of readFileExtents(path, [[start, part]]))
      for (const hash of [whole, sha256, md5]) hash.update(chunk);
    yield { number, start, bytes: part, sha256: sha256.digest('hex'), md5: md5.digest('hex') };
  }
  if (whole.digest('hex') !== source.sha256)
    throw new DamagedCopy('Other bytes arrived in the object store than were sent: the file has changed');
}

/** Of the MD5 of each, as S3 and Swift make the ETag of an object in parts. */
export function md5OfParts(parts: readonly FilePart[], encoding: 'hex' | 'binary'): string {
  const hash = createHash('md5');
  for (const { md5 } of parts) hash.update(encoding === 'hex' ? md5 : Buffer.from(md5, 'hex'));
  return hash.digest('hex');
}
