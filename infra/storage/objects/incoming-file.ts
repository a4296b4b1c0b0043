import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { IncomingObject } from './object-store.ts';

// Each object needs all of them: the handles and promises of node:fs/promises take twice the time.
const open = promisify(fs.open);
const write = promisify(fs.write);
const sync = promisify(fs.fsync);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);

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
  readonly #directories = new Map<string, Promise<number>>();
  readonly #renaming = new Map<string, Promise<void>>();

  constructor(places: Places) {
    this.#places = places;
  }

  /** The file is made while the first bytes come. */
  create(header: Buffer): IncomingObject {
    const path = `${this.#places.incoming}/${randomUUID()}.part`;
    const opening = open(path, 'wx', 0o600);
    // Told to whoever writes.
    opening.catch(() => undefined);
    const piece = this.#pieces.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    return new IncomingFile(
      { path, opening, header, piece },
      {
        ...this.#places,
        giveBack: () => {
          if (this.#pieces.length < mostKept) this.#pieces.push(piece);
        },
        rename: async (from, to) => this.#rename(from, to),
        syncDirectory: async (directory) => this.#sync(directory),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const directories = await Promise.all(this.#directories.values());
    this.#directories.clear();
    for (const descriptor of directories) fs.closeSync(descriptor);
  }

  async #sync(path: string): Promise<void> {
    let directory = this.#directories.get(path);
    if (!directory) {
      directory = open(path, 'r');
      this.#directories.set(path, directory);
      directory.catch(() => this.#directories.delete(path));
    }
    await sync(await directory);
  }

  /**
   * The first stays: what the index knows of a file holds for its header too, and others may come with another one. Nobody else gives
   * names here, so none can come between look and rename.
   */
  async #rename(from: string, to: string): Promise<void> {
    for (let other = this.#renaming.get(to); other; other = this.#renaming.get(to))
      await other.catch(() => undefined);
    if (fs.existsSync(to)) return unlink(from);
    const renaming = rename(from, to).finally(() => this.#renaming.delete(to));
    this.#renaming.set(to, renaming);
    await renaming;
  }
}

type Begun = {
  readonly path: string;
  readonly opening: Promise<number>;
  readonly header: Buffer;
  readonly piece: Buffer;
};
type Surroundings = Places & {
  /** The piece is needed no more. */
  readonly giveBack: () => void;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly syncDirectory: (path: string) => Promise<void>;
};

class IncomingFile implements IncomingObject {
  readonly path: string;
  readonly dataOffset: number;
  readonly #begun: Begun;
  readonly #around: Surroundings;
  readonly #hash = createHash('sha256');
  #filled: number;
  /** What is not hashed: the header of the file. */
  #skipped: number;
  #bytes = 0;
  #sha256 = '';
  #state: 'writing' | 'finished' | 'closed' | 'over' = 'writing';
  #syncing: Promise<void> = Promise.resolve();

  constructor(begun: Begun, around: Surroundings) {
    this.path = begun.path;
    this.dataOffset = begun.header.length;
    this.#begun = begun;
    this.#around = around;
    this.#filled = this.#skipped = begun.header.copy(begun.piece);
  }

  write(bytes: Buffer): Promise<void> | undefined {
    this.#bytes += bytes.length;
    return this.#gather(bytes);
  }

  async finish(): Promise<{ readonly sha256: string; readonly bytes: number }> {
    await this.#flush();
    this.#around.giveBack();
    this.#state = 'finished';
    this.#syncing = sync(await this.#begun.opening);
    // Told to whoever keeps the object.
    this.#syncing.catch(() => undefined);
    this.#sha256 = this.#hash.digest('hex');
    return { sha256: this.#sha256, bytes: this.#bytes };
  }

  async keep(): Promise<void> {
    const place = this.#around.pathOf(this.#sha256);
    await this.#synced();
    await this.#around.rename(this.path, place);
    this.#state = 'over';
    await this.#around.syncDirectory(dirname(place));
  }

  async quarantine(): Promise<string> {
    // Other bytes before the same data set are another file.
    const id = createHash('sha256').update(this.#sha256).update(this.#begun.header).digest('hex');
    const place = this.#around.quarantinePathOf(id);
    await this.#synced();
    await rename(this.path, place);
    await this.#around.syncDirectory(dirname(place));
    this.#state = 'over';
    return id;
  }

  async discard(): Promise<void> {
    const state = this.#state;
    if (state === 'over') return;
    this.#state = 'over';
    if (state === 'writing') this.#around.giveBack();
    await this.#syncing.catch(() => undefined);
    if (state !== 'closed' && !(await this.#close())) return;
    await this.#unlink();
  }

  async #synced(): Promise<void> {
    await this.#syncing;
    await this.#close();
    this.#state = 'closed';
  }

  /** Answers whether there was a file. */
  async #close(): Promise<boolean> {
    const descriptor = await this.#begun.opening.catch(() => undefined);
    if (descriptor !== undefined) fs.closeSync(descriptor);
    return descriptor !== undefined;
  }

  #gather(bytes: Buffer): Promise<void> | undefined {
    const { piece } = this.#begun;
    const copied = bytes.copy(piece, this.#filled);
    this.#filled += copied;
    if (this.#filled < piece.length) return undefined;
    return this.#flush().then(async () => this.#gather(bytes.subarray(copied)));
  }

  async #flush(): Promise<void> {
    const { opening, piece } = this.#begun;
    const filled = this.#filled;
    this.#hash.update(piece.subarray(this.#skipped, filled));
    this.#filled = this.#skipped = 0;
    const descriptor = await opening;
    // A short write happens when the disk fills up: the rest then fails with the reason.
    for (let at = 0; at < filled;) at += (await write(descriptor, piece, at, filled - at)).bytesWritten;
  }

  async #unlink(): Promise<void> {
    await unlink(this.path).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
    });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
