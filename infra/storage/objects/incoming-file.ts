import { createHash, randomUUID, type Hash } from 'node:crypto';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IncomingObject } from './object-store.ts';

/** Most objects are hashed in one piece, and written by one call. */
const pieceBytes = 1024 * 1024;
/** Memory that is kept for the objects to come. */
const mostKept = 16;

type Places = {
  readonly incoming: string;
  readonly pathOf: (sha256: string) => string;
  readonly quarantinePathOf: (id: string) => string;
};

/** Makes the files that objects are written to as they come. Their memory is used over and over, and directories stay open. */
export class IncomingFiles implements AsyncDisposable {
  readonly #places: Places;
  readonly #pieces: Buffer[] = [];
  readonly #directories = new Map<string, Promise<FileHandle>>();

  constructor(places: Places) {
    this.#places = places;
  }

  async create(header: Buffer): Promise<IncomingObject> {
    const { incoming, pathOf, quarantinePathOf } = this.#places;
    const path = join(incoming, `${randomUUID()}.part`);
    const writing = new PieceWriter(await open(path, 'wx', 0o600), this.#pieces.pop(), header);
    let sha256 = '';
    let state: 'writing' | 'finished' | 'kept' | 'discarded' = 'writing';
    const end = async (): Promise<void> => {
      if (this.#pieces.length < mostKept) this.#pieces.push(writing.piece);
      await writing.file.close();
    };

    return {
      path,
      dataOffset: header.length,
      write: async (bytes) => writing.write(bytes),
      async finish() {
        await writing.flush();
        await writing.file.sync();
        state = 'finished';
        await end();
        sha256 = writing.hash.digest('hex');
        return { sha256, bytes: writing.bytes };
      },
      keep: async () => {
        const place = pathOf(sha256);
        // The first stays: what the index knows of a file holds for its header too, and others may come with another one.
        try {
          await link(path, place);
        } catch (error) {
          // Some file systems have no links.
          if (!hasCode(error, 'EEXIST')) await rename(path, place);
        }
        await this.#sync(dirname(place));
        state = 'kept';
        await rm(path, { force: true });
      },
      quarantine: async () => {
        // Other bytes before the same data set are another file.
        const id = createHash('sha256').update(sha256).update(header).digest('hex');
        await rename(path, quarantinePathOf(id));
        await this.#sync(dirname(quarantinePathOf(id)));
        state = 'kept';
        return id;
      },
      async discard() {
        if (state === 'kept' || state === 'discarded') return;
        const isOpen = state === 'writing';
        state = 'discarded';
        if (isOpen) await end();
        await rm(path, { force: true });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const directories = await Promise.all(this.#directories.values());
    this.#directories.clear();
    await Promise.all(directories.map(async (directory) => directory.close()));
  }

  async #sync(path: string): Promise<void> {
    let directory = this.#directories.get(path);
    if (!directory) {
      directory = open(path, 'r');
      this.#directories.set(path, directory);
      directory.catch(() => this.#directories.delete(path));
    }
    await (await directory).sync();
  }
}

/** Gathers bytes, and hashes and writes them when there are enough. */
class PieceWriter {
  readonly file: FileHandle;
  readonly hash: Hash = createHash('sha256');
  readonly piece: Buffer;
  /** Written or gathered, after the header. */
  bytes = 0;
  #filled: number;
  /** What is not hashed: the header of the file. */
  #skipped: number;

  constructor(file: FileHandle, piece: Buffer | undefined, header: Buffer) {
    this.file = file;
    this.piece = piece ?? Buffer.allocUnsafeSlow(pieceBytes);
    this.#filled = this.#skipped = header.copy(this.piece);
  }

  async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.piece, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.piece.length) await this.flush();
    }
  }

  async flush(): Promise<void> {
    const whole = this.piece.subarray(0, this.#filled);
    this.hash.update(whole.subarray(this.#skipped));
    this.#filled = this.#skipped = 0;
    // A short write happens when the disk fills up: the rest then fails with the reason.
    for (let at = 0; at < whole.length;) at += (await this.file.write(whole, at)).bytesWritten;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
