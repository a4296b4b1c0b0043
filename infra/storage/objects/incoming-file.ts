import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { FileBegin } from '../dicom/byte-source.ts';
import type { IncomingObject } from './object-store.ts';

// What only reaches the memory of the system is done at once: to hand each such call to a thread and back takes longer than the call.
const open = promisify(fs.open);
const write = promisify(fs.write);
const sync = promisify(fs.fsync);

/** Most objects are hashed in one piece, and written by one call. */
const pieceBytes = 1024 * 1024;
/** Most headers are shorter. */
const headBytes = 16 * 1024;
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
  readonly #keeping = new Map<string, Promise<void>>();

  constructor(places: Places) {
    this.#places = places;
  }

  /** The file is made when there is something to be written to it. */
  create(header: Buffer): IncomingObject {
    const path = `${this.#places.incoming}/${randomUUID()}.part`;
    const piece = this.#pieces.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    return new IncomingFile(
      { path, header, piece },
      {
        ...this.#places,
        giveBack: () => {
          if (this.#pieces.length < mostKept) this.#pieces.push(piece);
        },
        keep: async (file, to) => this.#keep(file, to),
        place: async (file, to) => this.#place(file, to),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const directories = await Promise.all(this.#directories.values());
    this.#directories.clear();
    for (const descriptor of directories) fs.closeSync(descriptor);
  }

  /**
   * The first stays: what the index knows of a file holds for its header too, and others may come with another one. Nobody else gives
   * names here, so none can come between look and rename.
   */
  async #keep(file: Written, to: string): Promise<void> {
    for (let other = this.#keeping.get(to); other; other = this.#keeping.get(to))
      await other.catch(() => undefined);
    if (fs.existsSync(to)) {
      fs.unlinkSync(file.path);
      return;
    }
    const keeping = this.#place(file, to).finally(() => this.#keeping.delete(to));
    this.#keeping.set(to, keeping);
    await keeping;
  }

  /**
   * First its name, then the disk: one turn of its journal takes both. A machine that stops in between may have the name with less than all
   * bytes; nobody was told of it, and `recover` finds it out by the hash.
   */
  async #place({ path, descriptor }: Written, to: string): Promise<void> {
    fs.renameSync(path, to);
    try {
      await sync(descriptor);
      await this.#syncDirectory(dirname(to));
    } catch (error) {
      fs.rmSync(to, { force: true });
      throw error;
    }
  }

  async #syncDirectory(path: string): Promise<void> {
    let directory = this.#directories.get(path);
    if (!directory) {
      directory = open(path, 'r');
      this.#directories.set(path, directory);
      directory.catch(() => this.#directories.delete(path));
    }
    await sync(await directory);
  }
}

type Begun = { readonly path: string; readonly header: Buffer; readonly piece: Buffer };
type Written = { readonly path: string; readonly descriptor: number };
type Surroundings = Places & {
  /** The piece is needed no more. */
  readonly giveBack: () => void;
  /** Gives the file its name, durably; where another has it already the file is gone. */
  readonly keep: (file: Written, to: string) => Promise<void>;
  /** The same, in the place of whatever has that name. */
  readonly place: (file: Written, to: string) => Promise<void>;
};

class IncomingFile implements IncomingObject {
  readonly path: string;
  readonly dataOffset: number;
  readonly #begun: Begun;
  readonly #around: Surroundings;
  readonly #hash = createHash('sha256');
  #descriptor: number | undefined;
  #filled: number;
  /** What is not hashed: the header of the file. */
  #skipped: number;
  #bytes = 0;
  #sha256 = '';
  #isOver = false;

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

  async finish(): Promise<{ readonly bytes: number; readonly begin: FileBegin | undefined }> {
    const { piece } = this.#begun;
    const [filled, bytes] = [this.#filled, this.#bytes];
    const descriptor = this.#open();
    for (let at = 0; at < filled;) at += fs.writeSync(descriptor, piece, at, filled - at);
    const size = this.dataOffset + bytes;
    // A copy of its own: threads are sent the whole memory that a view is of.
    const begin = filled === size ? { head: new Uint8Array(piece.subarray(0, headBytes)), size } : undefined;
    return { bytes, begin };
  }

  digest(): string {
    this.#hash.update(this.#begun.piece.subarray(this.#skipped, this.#filled));
    this.#sha256 = this.#hash.digest('hex');
    return this.#sha256;
  }

  async keep(): Promise<void> {
    await this.#around.keep(this.#written(), this.#around.pathOf(this.#sha256));
    this.#end();
  }

  async quarantine(): Promise<string> {
    // Other bytes before the same data set are another file.
    const id = createHash('sha256').update(this.#sha256).update(this.#begun.header).digest('hex');
    await this.#around.place(this.#written(), this.#around.quarantinePathOf(id));
    this.#end();
    return id;
  }

  async discard(): Promise<void> {
    if (this.#isOver) return;
    const hasFile = this.#descriptor !== undefined;
    this.#end();
    if (hasFile) fs.rmSync(this.path, { force: true });
  }

  #written(): Written {
    return { path: this.path, descriptor: this.#open() };
  }

  #open(): number {
    this.#descriptor ??= fs.openSync(this.path, 'wx', 0o600);
    return this.#descriptor;
  }

  #end(): void {
    this.#isOver = true;
    this.#around.giveBack();
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
  }

  #gather(bytes: Buffer): Promise<void> | undefined {
    const { piece } = this.#begun;
    const copied = bytes.copy(piece, this.#filled);
    this.#filled += copied;
    if (this.#filled < piece.length) return undefined;
    return this.#flush().then(async () => this.#gather(bytes.subarray(copied)));
  }

  /** Of a large object: others go on while the disk takes it. */
  async #flush(): Promise<void> {
    const { piece } = this.#begun;
    const filled = this.#filled;
    this.#hash.update(piece.subarray(this.#skipped, filled));
    this.#filled = this.#skipped = 0;
    const descriptor = this.#open();
    // A short write happens when the disk fills up: the rest then fails with the reason.
    for (let at = 0; at < filled;) at += (await write(descriptor, piece, at, filled - at)).bytesWritten;
  }
}
