import type { Ruling } from '@medusa/protocol';
import type { IndexDatabase } from '../index/index-database.ts';
import { indexIdOf } from '../index/study-index.ts';
import type { Feed, PeerObject } from './peer-wire.ts';

/** Row numbers of instance, conflict and ruling: they only grow. */
export type Cursor = readonly [instance: number, conflict: number, ruling: number];

export function cursorOf(text: string): Cursor {
  const [instance = 0, conflict = 0, ruling = 0] = text.split('.').map(Number);
  return [instance, conflict, ruling];
}

const mostRows = 256;
type Row<Value> = Value & { readonly rowid: number };

/** What came after the cursor, as far as it fits into one answer. */
export function feedAfter(index: IndexDatabase, [instance, conflict, ruling]: Cursor): Omit<Feed, 'nodeId'> {
  const rulings = index.all<Row<Ruling>>(
    `SELECT id AS rowid, study_instance_uid AS studyInstanceUID, kind, at, by, reason FROM ruling
     WHERE id > ? ORDER BY id LIMIT ${mostRows}`,
    ruling,
  );
  const instances = index.all<Row<PeerObject>>(
    `SELECT rowid, sha256, sop_instance_uid AS sopInstanceUID, study_instance_uid AS studyInstanceUID,
       received_at AS receivedAt, received_from AS receivedFrom
     FROM instance WHERE rowid > ? ORDER BY rowid LIMIT ${mostRows}`,
    instance,
  );
  const conflicts = index.all<Row<PeerObject>>(
    `SELECT c.rowid AS rowid, c.sha256, sop_instance_uid AS sopInstanceUID,
       i.study_instance_uid AS studyInstanceUID, c.received_at AS receivedAt, c.received_from AS receivedFrom
     FROM conflict c JOIN instance i USING (sop_instance_uid) WHERE c.rowid > ? ORDER BY c.rowid LIMIT ${mostRows}`,
    conflict,
  );
  const last = <Value>(rows: readonly Row<Value>[], before: number): number => rows.at(-1)?.rowid ?? before;
  return {
    indexId: indexIdOf(index),
    cursor: [last(instances, instance), last(conflicts, conflict), last(rulings, ruling)].join('.'),
    isAll: [rulings, instances, conflicts].every((rows) => rows.length < mostRows),
    rulings,
    objects: [...instances, ...conflicts],
  };
}

/** Where the feed ends now. */
export function lastCursor(index: IndexDatabase): Cursor {
  const row = index.get<{ instance: number; conflict: number; ruling: number }>(
    `SELECT (SELECT coalesce(max(rowid), 0) FROM instance) AS instance,
       (SELECT coalesce(max(rowid), 0) FROM conflict) AS conflict,
       (SELECT coalesce(max(id), 0) FROM ruling) AS ruling`,
  );
  return row ? [row.instance, row.conflict, row.ruling] : [0, 0, 0];
}

/** How many rows lie between the two. */
export function behind(cursor: Cursor, last: Cursor): number {
  return last.reduce((sum, row, at) => sum + Math.max(0, row - (cursor[at] ?? 0)), 0);
}
