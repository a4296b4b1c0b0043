import type { DicomJson } from '../dicom/dicom-json.ts';
import { keyText } from '../dicom/identifier.ts';
import type { FindLevel } from './find.ts';
import type { IndexDatabase } from './index-database.ts';

/** An object as it is sent: what the receiver must agree to, and where the bytes lie. */
export type StoredInstance = {
  readonly rowid: number;
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
  readonly sha256: string;
  readonly dataOffset: number;
  readonly bytes: number;
};
const instanceColumns = `i.rowid AS rowid, i.sop_instance_uid AS sopInstanceUID, i.sop_class_uid AS sopClassUID,
  i.transfer_syntax_uid AS transferSyntaxUID, i.sha256, i.data_offset AS dataOffset, i.bytes`;

/** Which instances, as a condition over `instance i JOIN study s`. */
export type Selection = { readonly sql: string; readonly values: readonly string[] };

const uniqueKeys: Readonly<Record<FindLevel, readonly [tag: string, column: string]>> = {
  patient: ['00100020', 's.patient_id'],
  study: ['0020000D', 'i.study_instance_uid'],
  series: ['0020000E', 'i.series_instance_uid'],
  instance: ['00080018', 'i.sop_instance_uid'],
};

/** The unique keys of a retrieval, which know no wildcards (PS3.4 §C.4.2.1.4); undefined when the one of its level is missing. */
export function selectionOf(level: FindLevel, identifier: DicomJson): Selection | undefined {
  if (keyText(identifier[uniqueKeys[level][0]]) === '') return undefined;
  const conditions: string[] = [];
  const values: string[] = [];
  for (const [tag, column] of Object.values(uniqueKeys)) {
    const wanted = keyText(identifier[tag])
      .split('\\')
      .filter((value) => value !== '');
    if (wanted.length === 0) continue;
    conditions.push(`${column} IN (${wanted.map(() => '?').join(', ')})`);
    values.push(...wanted);
  }
  return { sql: conditions.join(' AND '), values };
}

export const uniqueKeyOf = (level: FindLevel): string => uniqueKeys[level][0];

const joined = 'instance i JOIN study s USING (study_instance_uid)';

export type KindOfObject = { readonly sopClassUID: string; readonly transferSyntaxUID: string };

export function kindsOf(
  index: IndexDatabase,
  { sql, values }: Selection,
): (KindOfObject & { count: number })[] {
  return index.all(
    `SELECT i.sop_class_uid AS sopClassUID, i.transfer_syntax_uid AS transferSyntaxUID, count(*) AS count
     FROM ${joined} WHERE ${sql} GROUP BY 1, 2 ORDER BY 1, 2`,
    ...values,
  );
}

const pageRows = 200;

/** In the order in which they came; no cursor is open in between. */
export function* instancesOf(
  index: IndexDatabase,
  { sql, values }: Selection,
): Generator<StoredInstance, void, undefined> {
  for (let after = 0; ;) {
    const page = index.all<StoredInstance>(
      `SELECT ${instanceColumns} FROM ${joined} WHERE ${sql} AND i.rowid > ? ORDER BY i.rowid LIMIT ${pageRows}`,
      ...values,
      after,
    );
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < pageRows) return;
    after = last.rowid;
  }
}

export function instanceOf(index: IndexDatabase, sopInstanceUID: string): StoredInstance | undefined {
  return index.get<StoredInstance>(
    `SELECT ${instanceColumns} FROM instance i WHERE i.sop_instance_uid = ?`,
    sopInstanceUID,
  );
}

export function holdsKind(index: IndexDatabase, { sopClassUID, transferSyntaxUID }: KindOfObject): boolean {
  const found = index.get(
    'SELECT 1 FROM instance WHERE sop_class_uid = ? AND transfer_syntax_uid = ? LIMIT 1',
    sopClassUID,
    transferSyntaxUID,
  );
  return found !== undefined;
}
