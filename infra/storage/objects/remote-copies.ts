import { open, rm } from 'node:fs/promises';
import type { Extent } from '../dicom/element-reader.ts';
import { DamagedCopy, type Bucket, type BucketEntry } from './buckets/bucket.ts';
import { isWhole, type Copy } from './copies.ts';
import { createFileHash, hashOf, type FileHashes } from './file-hash.ts';

/** The copies in a bucket, by the name of their object. Ends of the node end what is under way. */
export interface RemoteCopies {
  /** @throws DamagedCopy when the file is not, or does not arrive as, the object that it is named after */
  put(sha256: string, path: string, hashes: FileHashes): Promise<Copy>;
  head(sha256: string): Promise<BucketEntry | undefined>;
  /** The bytes as they are there; the whole is checked, and its last bytes come only when it is what was put there. */
  read(copy: Copy, extent: Extent): AsyncGenerator<Buffer, void, undefined>;
  hash(copy: Copy): Promise<FileHashes>;
  /** The whole object as a new file, durably. @throws DamagedCopy when it is not what was put there */
  fetch(copy: Copy, path: string): Promise<void>;
  /** A new file of the same length that has these bytes of it, and holes besides. */
  fetchParts(copy: Copy, path: string, extents: readonly Extent[]): Promise<void>;
  remove(sha256: string): Promise<void>;
  /** Those that lie there, whoever put them there. */
  list(): AsyncGenerator<Copy, void, undefined>;
}

export function openRemoteCopies(bucket: Bucket, prefix: string, ending: AbortSignal): RemoteCopies {
  const nameOf = (sha256: string): string => `${prefix}${sha256}.dcm`;
  const bytesOf = ({ sha256, etag }: Copy, extent: Extent): AsyncGenerator<Buffer, void, undefined> =>
    bucket.get(nameOf(sha256), { extent, etag }, ending);

  return {
    async put(sha256, path, hashes) {
      if (hashes.dataSetSha256 !== sha256)
        throw new DamagedCopy('The file is not the object that it is named after');
      const { bytes, md5, sha256: fileSha256 } = hashes;
      const { etag } = await bucket.put(nameOf(sha256), { path, bytes, md5, sha256: fileSha256 }, ending);
      return { sha256, bytes, fileSha256, etag };
    },
    head: async (sha256) => bucket.head(nameOf(sha256), ending),
    async *read(copy, extent) {
      const chunks = bytesOf(copy, extent);
      if (extent[0] === 0 && extent[1] === copy.bytes) yield* checked(copy, chunks);
      else yield* chunks;
    },
    hash: async (copy) => hashOf(bytesOf(copy, [0, copy.bytes])),
    async fetch(copy, path) {
      await written(path, async (file) => {
        for await (const chunk of checked(copy, bytesOf(copy, [0, copy.bytes]))) await file.writeFile(chunk);
        await file.sync();
      });
    },
    async fetchParts(copy, path, extents) {
      await written(path, async (file) => {
        await file.truncate(copy.bytes);
        for (const [start, length] of extents) {
          let at = start;
          for await (const chunk of bytesOf(copy, [start, length])) {
            await file.write(chunk, 0, chunk.length, at);
            at += chunk.length;
          }
        }
      });
    },
    remove: async (sha256) => bucket.remove(nameOf(sha256), ending),
    async *list() {
      for await (const { name, bytes, etag } of bucket.list(prefix, ending)) {
        const sha256 = /^([0-9a-f]{64})\.dcm$/.exec(name.slice(prefix.length))?.[1];
        if (sha256 !== undefined) yield { sha256, bytes, etag, fileSha256: '' };
      }
    },
  };
}

type File = Awaited<ReturnType<typeof open>>;

async function written(path: string, write: (file: File) => Promise<void>): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600);
    await write(file);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** A reader that counts what it gets, as all do, never takes a damaged object for a whole one. */
async function* checked(copy: Copy, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const hash = createFileHash();
  let last: Buffer | undefined;
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (last) yield last;
    last = chunk;
  }
  if (!isWhole(copy, hash.digest()))
    throw new DamagedCopy('Other bytes lie in the object store than were put there');
  if (last) yield last;
}
