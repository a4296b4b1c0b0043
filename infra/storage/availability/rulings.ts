import { TypedEmitter } from '@medusa/kernel';
import type { StudyIndex } from '../index/study-index.ts';
import type { PeerObject, Ruling } from './peer-wire.ts';

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
}

export function openRulings(index: StudyIndex, report: (error: unknown) => void): Rulings {
  const events = new TypedEmitter<{ made: [ruling: Ruling] }>(report);
  const insert = ({ studyInstanceUID, kind, at, by, reason }: Ruling): boolean =>
    index.all(
      `INSERT INTO ruling (study_instance_uid, kind, at, by, reason) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING RETURNING id`,
      ...[studyInstanceUID, kind, at, by, reason],
    ).length > 0;
  return {
    events,
    make(ruling) {
      if (insert(ruling)) events.emit('made', ruling);
    },
    adopt(rulings) {
      if (rulings.length === 0) return;
      const news = index.transaction(() => rulings.filter(insert));
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
    of: (study) =>
      index.all<Ruling>(
        `SELECT study_instance_uid AS studyInstanceUID, kind, at, by, reason FROM ruling
         WHERE study_instance_uid = ? ORDER BY at, id`,
        study,
      ),
  };
}
