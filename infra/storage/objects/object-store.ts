import type { FileBegin } from '../dicom/byte-source.ts';
import type { Extent } from '../dicom/element-reader.ts';
import type { FileMeta } from '../dicom/file-meta.ts';

/**
 * Where the bytes of objects lie, named by the SHA-256 of their data set.
 *
 * The contract:
 * - An object is readable only after `keep()`, and from then on whatever happens to the machine.
 * - What was neither kept nor discarded is gone after `open`.
 * - The same content may be kept twice; it is there once.
 */
export interface ObjectStore {
  /** @param header what the file begins with, instead of one made of `meta` */
  create(meta: FileMeta, header?: Buffer): Promise<IncomingObject>;
  /**
   * Bytes of the object's file, in the order of the extents; all of them without. A piece is good until the next one is
   * asked for. It throws rather than to end early.
   * @throws AppError `storage.unreachable` when they lie elsewhere and that does not answer
   */
  read(sha256: string, extents?: readonly Extent[]): AsyncGenerator<Buffer, void, undefined>;
  /**
   * A file that holds these bytes of the object where the object has them, and all of them without extents. It is there until it
   * is given back, and nobody writes to it.
   * @throws AppError as above
   */
  borrow(sha256: string, extents?: readonly Extent[]): Promise<BorrowedFile>;
  /** A path for a file that lives as long as one request. */
  temporaryPath(): string;
  /** Takes an object out of the store without destroying it. */
  quarantine(sha256: string): Promise<void>;
  /**
   * Deletes the bytes of an object, for good and in every place; also when they are gone already. What is here is gone before the
   * first wait, so that content which comes again meanwhile is not taken for what is leaving.
   */
  remove(sha256: string): Promise<void>;
  /** Names of all that lie in quarantine. */
  quarantined(): Promise<string[]>;
  quarantinePathOf(id: string): string;
  /** Also when it is gone already. */
  removeQuarantined(id: string): Promise<void>;
  /** All names, shard by shard; `prefix` is what the names of a shard begin with. */
  shards(): AsyncIterable<{ readonly prefix: string; readonly names: ReadonlySet<string> }>;
  freeBytes(): Promise<number>;
}

export type BorrowedFile = AsyncDisposable & { readonly path: string };

/** An object on its way in. One caller, one call at a time. */
export interface IncomingObject {
  readonly path: string;
  /** Where the data set begins in the file. */
  readonly dataOffset: number;
  /** When it is done, or resolves, more may be written, and the memory be used for it. It never throws at once. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** All bytes are written, and can be read at `path`; the first of them are told besides. `bytes` are those of the data set. */
  finish(): Promise<{ readonly bytes: number; readonly begin: FileBegin | undefined }>;
  /** After `finish`, once: the hash of the data set, which takes a while. */
  digest(): string;
  /** After `digest`: puts the object in its place, durably. */
  keep(): Promise<void>;
  /** After `digest`: puts the object out of the way, durably, under the name that is answered. The same file has the same name. */
  quarantine(): Promise<string>;
  /** Idempotent. After `keep` or `quarantine` it does nothing. */
  discard(): Promise<void>;
}
