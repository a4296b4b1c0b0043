import type { Extent } from '../../dicom/element-reader.ts';

/**
 * A place for whole objects outside of this node: an object store of a cloud, or a folder of another machine.
 *
 * The contract:
 * - What `put` answered for is there whole, and durably as far as the place can promise. Until then nothing is seen under the name.
 * - `put` of the same name again replaces the bytes, all at once. `remove` of what is not there is no error.
 * - `get` yields all of the bytes that were asked for, or throws; it never ends early.
 * - Where the place cannot be asked, or refuses, every call throws AppError `storage.unreachable`; asking again may help.
 * - An aborted call leaves nothing behind that is seen.
 */
export interface Bucket extends Disposable {
  /** @throws DamagedCopy when other bytes arrived than were sent; RefusedObject when it is too long for the place */
  put(name: string, source: BucketSource, signal: AbortSignal): Promise<{ readonly etag: string }>;
  /** Undefined: it is not there. */
  head(name: string, signal: AbortSignal): Promise<BucketEntry | undefined>;
  /**
   * @param wanted `etag` as `put` answered it: of no other bytes
   * @throws AppError `object.unknown`; DamagedCopy when the bytes are not those of the etag
   */
  get(name: string, wanted: Wanted, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined>;
  remove(name: string, signal: AbortSignal): Promise<void>;
  /** All whose names begin so, in no order; with those that come or go meanwhile or without. */
  list(prefix: string, signal: AbortSignal): AsyncGenerator<ListedObject, void, undefined>;
}

/** A file that nobody changes, with what is known of its bytes. */
export type BucketSource = {
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  readonly md5: string;
};
/** `etag` is empty where the place has none. */
export type BucketEntry = { readonly bytes: number; readonly etag: string };
type ListedObject = BucketEntry & { readonly name: string };
export type Wanted = { readonly extent: Extent; readonly etag: string };

/** It can never be put there as it is. */
export class RefusedObject extends Error {}

/** The bytes of a copy are not those that were put there. */
export class DamagedCopy extends Error {}
