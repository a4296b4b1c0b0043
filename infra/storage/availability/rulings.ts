import { TypedEmitter } from '@medusa/kernel';
import type { Ruling } from '@medusa/protocol';
import type { IndexDatabase } from '../index/index-database.ts';
import type { PeerObject } from './peer-wire.ts';

/** What was decided about studies: legal holds and their ends, and removals. Nothing of it is ever deleted, it is the trail. */
export interface Rulings {
  readonly events: TypedEmitter<{ made: [ruling: Ruling] }>;
  make(ruling: Ruling): void;
  /** Those of a peer; what is known already is not there twice. */
  adopt(rulings: readonly Ruling[]): void;
  isHeld(studyInstanceUID: string): boolean;
  /** Whether what came then was taken away later. What a PACS sends again after that is new. */
  isRemoved(object: Pick<PeerObject, 'studyInstanceUID' | 'receivedAt'>): boolean;
  of(studyInstanceUID: string): readonly Ruling[];
  /** Those that hold a study now, the latest first. */
  held(limit: number): { readonly studies: readonly Ruling[]; readonly total: number };
  /** Made here, and not told to the broker yet, the oldest first. */
  untold(limit: number): readonly Ruling[];
  told(rulings: readonly Ruling[]): void;
}

/** With a maximum SQLite takes the other columns of the same row; of two at one time the hold counts, as in `isHeld`. */
const latestOfEach = `SELECT *, max(at || (kind = 'hold')) FROM ruling WHERE kind IN ('hold', 'unhold') GROUP BY study_instance_uid`;

export function openRulings(index: IndexDatabase, report: (error: unknown) => void): Rulings {
  const events = new TypedEmitter<{ made: [ruling: Ruling] }>(report);
  const insert = ({ studyInstanceUID, kind, at, by, reason }: Ruling, isTold: boolean): boolean =>
    index.run(
      `INSERT INTO ruling (study_instance_uid, kind, at, by, reason, told) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ...[studyInstanceUID, kind, at, by, reason, Number(isTold)],
    ) > 0;
  return {
    events,
    make(ruling) {
      if (insert(ruling, false)) events.emit('made', ruling);
    },
    adopt(rulings) {
      if (rulings.length === 0) return;
      // Who made it tells the broker.
      const news = index.transaction(() => rulings.filter((ruling) => insert(ruling, true)));
      for (const ruling of news) events.emit('made', ruling);
    },
    isHeld: (study) =>
      index.get<{ kind: string }>(
        `SELECT kind FROM ruling WHERE study_instance_uid = ? AND kind IN ('hold', 'unhold')
         ORDER BY at DESC, kind LIMIT 1`,
        study,
      )?.kind === 'hold',
    isRemoved: ({ studyInstanceUID, receivedAt }) =>
      index.get(
        "SELECT 1 FROM ruling WHERE study_instance_uid = ? AND kind = 'removed' AND at >= ?",
        studyInstanceUID,
        receivedAt,
      ) !== undefined,
    held: (limit) => ({
      studies: index.all<Ruling>(
        `SELECT study_instance_uid AS studyInstanceUID, kind, at, by, reason FROM (${latestOfEach})
         WHERE kind = 'hold' ORDER BY at DESC LIMIT ?`,
        limit,
      ),
      total:
        index.get<{ total: number }>(`SELECT count(*) AS total FROM (${latestOfEach}) WHERE kind = 'hold'`)
          ?.total ?? 0,
    }),
    untold: (limit) =>
      index.all<Ruling>(
        `SELECT study_instance_uid AS studyInstanceUID, kind, at, by, reason FROM ruling
         WHERE told = 0 ORDER BY id LIMIT ?`,
        limit,
      ),
    told(rulings) {
      index.transaction(() => {
        for (const { studyInstanceUID, kind, at, by } of rulings)
          index.run(
            'UPDATE ruling SET told = 1 WHERE study_instance_uid = ? AND kind = ? AND at = ? AND by = ?',
            ...[studyInstanceUID, kind, at, by],
          );
      });
    },
    of: (study) =>
      index.all<Ruling>(
        `SELECT study_instance_uid AS studyInstanceUID, kind, at, by, reason FROM ruling
         WHERE study_instance_uid = ? ORDER BY at, id`,
        study,
      ),
  };
}
