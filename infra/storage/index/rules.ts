import type { JobQueue, NewJob } from './jobs.ts';
import type { IndexDatabase } from './index-database.ts';

type Arrived = {
  readonly rowid: number;
  readonly subject: string;
  readonly modalities: readonly string[];
  readonly receivedFrom: string;
};
type Row = Omit<Arrived, 'modalities'> & { readonly modality: string; readonly isReplica: number };
type Source = 'instance' | 'study';
export type Rule = {
  readonly name: string;
  readonly source: Source;
  /** What is to be done about what arrived. */
  jobFor(arrived: Arrived): NewJob | undefined;
};

const batchRows = 200;

const queries: Readonly<Record<Source, string>> = {
  instance: `SELECT i.rowid AS rowid, i.sop_instance_uid AS subject, e.modality, i.received_from AS receivedFrom,
      r.sop_instance_uid IS NOT NULL AS isReplica
    FROM instance i JOIN series e USING (study_instance_uid, series_instance_uid)
      LEFT JOIN replica r USING (sop_instance_uid)
    WHERE i.rowid > ? ORDER BY i.rowid LIMIT ${batchRows}`,
  study: `SELECT s.rowid AS rowid, s.study_instance_uid AS subject, '' AS modality, s.received_from AS receivedFrom,
      0 AS isReplica
    FROM study s WHERE s.rowid > ? AND s.study_instance_uid NOT IN (SELECT study_instance_uid FROM prior)
    ORDER BY s.rowid LIMIT ${batchRows}`,
};

/**
 * Applies rules to what arrived since they last looked. What was seen and the jobs for it are one transaction, so nothing that
 * arrived is forgotten, whenever the node stops. A rule that is new begins with what comes from now on.
 */
export function applyRules(index: IndexDatabase, jobs: JobQueue, rules: readonly Rule[]): void {
  const known = index.all<{ name: string }>('SELECT name FROM rule').map(({ name }) => name);
  for (const name of known)
    if (!rules.some((rule) => rule.name === name)) index.run('DELETE FROM rule WHERE name = ?', name);
  for (const rule of rules) while (applyOnce(index, jobs, rule));
}

function applyOnce(index: IndexDatabase, jobs: JobQueue, rule: Rule): boolean {
  return index.transaction(() => {
    const state = index.get<{ seen: number }>('SELECT seen FROM rule WHERE name = ?', rule.name);
    const seen = state?.seen ?? lastRow(index, rule.source);
    const rows = index.all<Row>(queries[rule.source], seen);
    for (const { modality, isReplica, ...row } of rows) {
      // The node to which it was sent does with it what there is to do.
      if (isReplica === 1) continue;
      const job = rule.jobFor({ ...row, modalities: [modality] });
      if (job) jobs.add(job);
    }
    index.run(
      'INSERT INTO rule VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen',
      rule.name,
      rows.at(-1)?.rowid ?? seen,
    );
    return rows.length === batchRows;
  });
}

function lastRow(index: IndexDatabase, source: Source): number {
  const row = index.get<{ last: number | null }>(
    source === 'instance'
      ? 'SELECT max(rowid) AS last FROM instance'
      : 'SELECT max(rowid) AS last FROM study',
  );
  return row?.last ?? 0;
}
