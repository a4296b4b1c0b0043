import type { IndexDatabase } from '../index/index-database.ts';
import type { FileHashes } from './file-hash.ts';

/** An object that lies in the object store, and how it lies there. */
export type Copy = {
  readonly sha256: string;
  /** Of the file. */
  readonly bytes: number;
  /** Of the file, header and all; the name is that of the data set. Empty: it was found there, and only its name tells of it. */
  readonly fileSha256: string;
  readonly etag: string;
};

/** Whether these are the bytes that were put there. */
export function isWhole({ sha256, fileSha256 }: Copy, hashes: FileHashes): boolean {
  return fileSha256 === '' ? hashes.dataSetSha256 === sha256 : hashes.sha256 === fileSha256;
}

/** What is known of the copies in the object store; durable when a call returns. An object that is not in it lies here alone. */
export interface Copies {
  find(sha256: string): Copy | undefined;
  /** Whether each also lies here, by the first digits of their names. */
  ofShard(prefix: string): ReadonlyMap<string, boolean>;
  /** They are in the object store, and usually here too. */
  record(copies: readonly Copy[], isLocal?: boolean): void;
  setLocal(sha256: string, isLocal: boolean): void;
  forget(sha256: string): void;
  /** Somebody read it just now. Written down later: to lose it costs nothing. */
  used(sha256: string): void;
  /** Of those that lie here, the ones that nobody read for the longest time. */
  leastUsed(limit: number): readonly Copy[];
  /** Of those that lie here, the ones that nobody read since. */
  unusedSince(timeMs: number, limit: number): readonly Copy[];
  /** The one that was not looked at for the longest time, when that was before a time. */
  uncheckedSince(timeMs: number): (Copy & { readonly isLocal: number }) | undefined;
  checked(sha256: string, timeMs: number): void;
  totals(): { readonly objects: number; readonly bytes: number };
  /** Of those that lie in both places. */
  localBytes(): number;
}

/** One transaction of so many takes no more than some milliseconds. */
const mostReads = 1_000;
const columns = 'sha256, bytes, file_sha256 AS fileSha256, etag';

export function openCopies(index: IndexDatabase, now: () => number): Copies {
  let reads = new Map<string, number>();
  const sum = (condition: string): { objects: number; bytes: number } =>
    index.get<{ objects: number; bytes: number }>(
      `SELECT count(*) AS objects, coalesce(sum(bytes), 0) AS bytes FROM copy ${condition}`,
    ) ?? { objects: 0, bytes: 0 };
  // Kept in step, as to add them up takes as long as there are many.
  let local = sum('WHERE is_local = 1').bytes;
  let { objects, bytes: total } = sum('');

  const writeReads = (): void => {
    const written = reads;
    reads = new Map();
    try {
      index.transaction(() => {
        for (const [sha256, at] of written)
          index.run('UPDATE copy SET used_at = ? WHERE sha256 = ?', at, sha256);
      });
    } catch {
      // The disk is full: nobody's reading may end by that, nor what makes room.
    }
  };
  const forget = (sha256: string): void => {
    const [row] = index.all<{ bytes: number; isLocal: number }>(
      'DELETE FROM copy WHERE sha256 = ? RETURNING bytes, is_local AS isLocal',
      sha256,
    );
    if (!row) return;
    objects -= 1;
    total -= row.bytes;
    local -= row.isLocal * row.bytes;
  };

  return {
    find: (sha256) => index.get<Copy>(`SELECT ${columns} FROM copy WHERE sha256 = ?`, sha256),
    ofShard: (prefix) =>
      new Map(
        index
          .all<{ sha256: string; isLocal: number }>(
            'SELECT sha256, is_local AS isLocal FROM copy WHERE sha256 >= ? AND sha256 < ?',
            prefix,
            `${prefix}g`,
          )
          .map(({ sha256, isLocal }) => [sha256, isLocal === 1]),
      ),
    record(copies, isLocal = true) {
      index.transaction(() => {
        for (const { sha256, bytes, fileSha256, etag } of copies) {
          forget(sha256);
          const at = now();
          index.run(
            `INSERT INTO copy (sha256, bytes, file_sha256, etag, is_local, used_at, checked_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
            ...[sha256, bytes, fileSha256, etag, Number(isLocal), at, at],
          );
          objects += 1;
          total += bytes;
          if (isLocal) local += bytes;
        }
      });
    },
    setLocal(sha256, isLocal) {
      const [row] = index.all<{ bytes: number }>(
        'UPDATE copy SET is_local = ? WHERE sha256 = ? AND is_local <> ? RETURNING bytes',
        ...[Number(isLocal), sha256, Number(isLocal)],
      );
      if (row) local += isLocal ? row.bytes : -row.bytes;
    },
    forget,
    used(sha256) {
      reads.set(sha256, now());
      if (reads.size >= mostReads) writeReads();
    },
    leastUsed(limit) {
      writeReads();
      return index.all<Copy>(
        `SELECT ${columns} FROM copy WHERE is_local = 1 ORDER BY used_at LIMIT ?`,
        limit,
      );
    },
    unusedSince(timeMs, limit) {
      writeReads();
      return index.all<Copy>(
        `SELECT ${columns} FROM copy WHERE is_local = 1 AND used_at < ? ORDER BY used_at LIMIT ?`,
        ...[timeMs, limit],
      );
    },
    uncheckedSince: (timeMs) =>
      index.get<Copy & { isLocal: number }>(
        `SELECT ${columns}, is_local AS isLocal FROM copy WHERE checked_at < ? ORDER BY checked_at LIMIT 1`,
        timeMs,
      ),
    checked: (sha256, timeMs) =>
      void index.run('UPDATE copy SET checked_at = ? WHERE sha256 = ?', timeMs, sha256),
    totals: () => ({ objects, bytes: total }),
    localBytes: () => local,
  };
}
