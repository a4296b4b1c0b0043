import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Extent } from '../dicom/element-reader.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { IncomingFiles } from './incoming-file.ts';
import type { ObjectStore } from './object-store.ts';

// Half the work of a handle of node:fs/promises.
const openFile = promisify(fs.open);
const readFile = promisify(fs.read);
/** Memory for reading that is kept while nobody reads. */
const mostUnused = 8;

/** Objects of which each is a file here. */
export interface FileStore extends ObjectStore, AsyncDisposable {
  /** Also of an object that is not there. */
  pathOf(sha256: string): string;
}

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
  const reader = createReader();
  const arriving = new IncomingFiles({ incoming, pathOf, quarantinePathOf });

  return {
    pathOf,
    read: (sha256, extents) => reader(pathOf(sha256), extents),
    borrow: async (sha256) => ({ path: pathOf(sha256), [Symbol.asyncDispose]: async () => undefined }),
    temporaryPath: () => join(incoming, `${randomUUID()}.rendition`),
    create: async (meta, header = encodeFileMeta(meta)) => arriving.create(header),
    async quarantine(sha256) {
      await rename(pathOf(sha256), quarantinePathOf(sha256));
      await syncDirectory(quarantine);
    },
    async remove(sha256) {
      const path = pathOf(sha256);
      fs.rmSync(path, { force: true });
      await syncDirectory(dirname(path));
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
    [Symbol.asyncDispose]: async () => arriving[Symbol.asyncDispose](),
  };
}

function fileName(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('An object is named by a SHA-256');
  return `${sha256}.dcm`;
}

const readBytes = 512 * 1024;

/** All of the extents, or it throws. @param memory that every piece is read into; each into its own without */
export async function* readFileExtents(
  path: string,
  extents?: readonly Extent[],
  memory?: Buffer,
): AsyncGenerator<Buffer, void, undefined> {
  const file = await openFile(path, 'r');
  try {
    for (const [start, length] of extents ?? [[0, fs.fstatSync(file).size]])
      for (let at = 0; at < length;) {
        const wanted = Math.min(readBytes, length - at);
        const piece = memory ?? Buffer.allocUnsafeSlow(wanted);
        const { bytesRead } = await readFile(file, piece, 0, wanted, start + at);
        if (bytesRead === 0) throw new Error('A file of an object is shorter than it should be');
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
  } finally {
    fs.closeSync(file);
  }
}

/** Reads into memory that is used over and over. */
function createReader(): typeof readFileExtents {
  const unused: Buffer[] = [];
  return async function* (path, extents) {
    const memory = unused.pop() ?? Buffer.allocUnsafeSlow(readBytes);
    try {
      yield* readFileExtents(path, extents, memory);
    } finally {
      if (unused.length < mostUnused) unused.push(memory);
    }
  };
}

export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}
