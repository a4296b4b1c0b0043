import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Extent } from '../dicom/element-reader.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import type { IncomingObject, ObjectStore } from './object-store.ts';

/** Objects of which each is a file here. */
export interface FileStore extends ObjectStore {
  /** Also of an object that is not there. */
  pathOf(sha256: string): string;
}

/** Bytes gathered before they go to the file in one call. */
const flushBytes = 1024 * 1024;
const objectName = /^[0-9a-f]{64}\.dcm$/;

/** Objects as DICOM files (PS3.10) under `objects/<first two digits>/<sha256>.dcm`; no name comes from outside. */
export async function openFileStore(directory: string): Promise<FileStore> {
  const objects = join(directory, 'objects');
  const incoming = join(directory, 'incoming');
  const quarantine = join(directory, 'quarantine');
  await mkdir(quarantine, { recursive: true, mode: 0o700 });
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await mkdir(objects, { recursive: true, mode: 0o700 });
  // All shards are made now, so that no object waits for a directory to be durable.
  const prefixes = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0'));
  for (const prefix of prefixes) await mkdir(join(objects, prefix), { recursive: true, mode: 0o700 });
  await syncDirectory(objects);
  await syncDirectory(directory);

  const pathOf = (sha256: string): string => join(objects, sha256.slice(0, 2), fileName(sha256));
  const quarantinePathOf = (id: string): string => join(quarantine, fileName(id));

  return {
    pathOf,
    read: (sha256, extents) => readFileExtents(pathOf(sha256), extents),
    borrow: async (sha256) => ({ path: pathOf(sha256), [Symbol.asyncDispose]: async () => undefined }),
    temporaryPath: () => join(incoming, `${randomUUID()}.rendition`),
    create: async (meta, header = encodeFileMeta(meta)) =>
      createIncoming(join(incoming, `${randomUUID()}.part`), header, { pathOf, quarantinePathOf }),
    async quarantine(sha256) {
      await rename(pathOf(sha256), quarantinePathOf(sha256));
      await syncDirectory(quarantine);
    },
    async quarantined() {
      const files = await readdir(quarantine);
      return files.filter((name) => objectName.test(name)).map((name) => name.slice(0, 64));
    },
    quarantinePathOf,
    async removeQuarantined(id) {
      await rm(quarantinePathOf(id), { force: true });
      await syncDirectory(quarantine);
    },
    async *shards() {
      for (const prefix of prefixes) {
        const files = await readdir(join(objects, prefix));
        yield {
          prefix,
          names: new Set(files.filter((name) => objectName.test(name)).map((name) => name.slice(0, 64))),
        };
      }
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
  };
}

function fileName(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('An object is named by a SHA-256');
  return `${sha256}.dcm`;
}

type Places = Pick<FileStore, 'pathOf' | 'quarantinePathOf'>;

async function createIncoming(
  path: string,
  header: Buffer,
  { pathOf, quarantinePathOf }: Places,
): Promise<IncomingObject> {
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let waiting: Buffer[] = [header];
  let waitingBytes = header.length;
  let dataBytes = 0;
  let sha256 = '';
  let state: 'writing' | 'finished' | 'kept' | 'discarded' = 'writing';

  const flush = async (): Promise<void> => {
    const buffers = waiting;
    waiting = [];
    waitingBytes = 0;
    await writeAll(file, buffers);
  };

  const moveTo = async (target: string): Promise<void> => {
    await rename(path, target);
    await syncDirectory(join(target, '..'));
    state = 'kept';
  };

  return {
    path,
    dataOffset: header.length,
    async write(bytes) {
      hash.update(bytes);
      dataBytes += bytes.length;
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes >= flushBytes) await flush();
    },
    async finish() {
      await flush();
      await file.sync();
      await file.close();
      sha256 = hash.digest('hex');
      state = 'finished';
      return { sha256, bytes: dataBytes };
    },
    async keep() {
      // The first stays: what the index knows of a file holds for its header too, and others may come with another one.
      try {
        await link(path, pathOf(sha256));
      } catch (error) {
        // Some file systems have no links.
        if (!hasCode(error, 'EEXIST')) await rename(path, pathOf(sha256));
      }
      await syncDirectory(join(pathOf(sha256), '..'));
      state = 'kept';
      await rm(path, { force: true });
    },
    async quarantine() {
      // Other bytes before the same data set are another file.
      const id = createHash('sha256').update(sha256).update(header).digest('hex');
      await moveTo(quarantinePathOf(id));
      return id;
    },
    async discard() {
      if (state === 'kept' || state === 'discarded') return;
      if (state === 'writing') await file.close();
      state = 'discarded';
      await rm(path, { force: true });
    },
  };
}

const readBytes = 512 * 1024;

/** All of the extents, or it throws. */
export async function* readFileExtents(
  path: string,
  extents?: readonly Extent[],
): AsyncGenerator<Buffer, void, undefined> {
  for (const [start, length] of extents ?? [[0, (await stat(path)).size]]) {
    if (length === 0) continue;
    let missing = length;
    const options = { start, end: start + length - 1, highWaterMark: readBytes };
    for await (const chunk of createReadStream(path, options) as AsyncIterable<Buffer>) {
      missing -= chunk.length;
      yield chunk;
    }
    if (missing > 0) throw new Error('A file of an object is shorter than it should be');
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function writeAll(file: FileHandle, buffers: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await file.writev(buffers);
  const total = buffers.reduce((sum, { length }) => sum + length, 0);
  if (bytesWritten === total) return;
  // A short write happens when the disk fills up: the rest then fails with the reason.
  const rest = Buffer.concat(buffers).subarray(bytesWritten);
  await file.writeFile(rest);
}

export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}
