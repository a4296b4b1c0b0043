import type { Ruling } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Rulings } from '../availability/rulings.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { holdsContent } from '../index/study-index.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Claims } from './claims.ts';

export type RemovalDeps = {
  readonly index: IndexDatabase;
  readonly objects: Pick<ObjectStore, 'remove'>;
  readonly rulings: Pick<Rulings, 'make' | 'isHeld'>;
  readonly claims: Pick<Claims, 'isHeld'>;
  readonly log: Logger;
};

/**
 * Takes a study out of the index, with the ruling that says why, in one transaction that is durable when it returns; what is to be
 * deleted is written down in it, so that no crash brings an object back. Answers whether it was done: not while it is held, while
 * something of it came later, or while something of it is still to be sent on.
 */
export function removeStudy(ruling: Ruling, { index, rulings, log }: RemovalDeps): boolean {
  const { studyInstanceUID: study, at } = ruling;
  const isDone = index.transaction(() => {
    const known = index.get<{ last: string }>(
      'SELECT last_received_at AS last FROM study WHERE study_instance_uid = ?',
      study,
    );
    if (!known || known.last > at || rulings.isHeld(study) || isNeeded(index, study)) return false;
    rulings.make(ruling);
    const ofStudy = '(SELECT sop_instance_uid FROM instance WHERE study_instance_uid = ?)';
    index.run(
      `INSERT OR IGNORE INTO doomed SELECT sha256 FROM instance WHERE study_instance_uid = ?
       UNION SELECT sha256 FROM conflict WHERE sop_instance_uid IN ${ofStudy}`,
      ...[study, study],
    );
    for (const table of ['conflict', 'replica'])
      index.run(`DELETE FROM ${table} WHERE sop_instance_uid IN ${ofStudy}`, study);
    for (const table of ['instance', 'series', 'prior', 'study'])
      index.run(`DELETE FROM ${table} WHERE study_instance_uid = ?`, study);
    return true;
  });
  if (isDone) log.warn({ by: ruling.by, reason: ruling.reason }, 'a study was removed');
  return isDone;
}

/** Row numbers name what came last to others, so the last rows stay until there are later ones. */
function isNeeded(index: IndexDatabase, study: string): boolean {
  return (
    index.get(
      `SELECT 1 FROM instance i WHERE i.study_instance_uid = ?1 AND (
         i.rowid = (SELECT max(rowid) FROM instance)
         OR EXISTS (SELECT 1 FROM job j WHERE j.state = 'waiting' AND j.subject = i.sop_instance_uid))
       UNION ALL SELECT 1 FROM study s WHERE s.study_instance_uid = ?1 AND s.rowid = (SELECT max(rowid) FROM study)
       UNION ALL SELECT 1 FROM conflict c JOIN instance i USING (sop_instance_uid)
         WHERE i.study_instance_uid = ?1 AND c.rowid = (SELECT max(rowid) FROM conflict)
       LIMIT 1`,
      study,
    ) !== undefined
  );
}

/** Deletes the bytes of what was removed. What cannot be deleted now is deleted later; what has come again stays. */
export async function deleteDoomed({ index, objects, claims, log }: RemovalDeps): Promise<void> {
  const doomed = index.all<{ sha256: string }>('SELECT sha256 FROM doomed');
  let failures = 0;
  for (const { sha256 } of doomed) {
    if (claims.isHeld(sha256)) continue;
    try {
      if (!holdsContent(index, sha256)) await objects.remove(sha256);
      index.run('DELETE FROM doomed WHERE sha256 = ?', sha256);
    } catch (error) {
      if (failures === 0) log.warn({ err: error }, 'an object that was removed cannot be deleted yet');
      failures += 1;
    }
  }
}
