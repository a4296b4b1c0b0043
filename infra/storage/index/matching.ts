export type SearchLevel = 'study' | 'series' | 'instance';

type Matching = 'uid' | 'text' | 'name' | 'range' | 'number' | 'modalities';
type Column = readonly [level: SearchLevel, sql: string, matching: Matching];

/** What is matched in the database. */
export const columns: Readonly<Record<string, Column | undefined>> = {
  '0020000D': ['study', 's.study_instance_uid', 'uid'],
  '00100010': ['study', 's.patient_name', 'name'],
  '00100020': ['study', 's.patient_id', 'text'],
  '00100030': ['study', 's.patient_birth_date', 'range'],
  '00100040': ['study', 's.patient_sex', 'text'],
  '00080020': ['study', 's.study_date', 'range'],
  '00080030': ['study', 's.study_time', 'range'],
  '00080050': ['study', 's.accession_number', 'text'],
  '00080061': ['study', '', 'modalities'],
  '00080090': ['study', 's.referring_physician_name', 'name'],
  '00081030': ['study', 's.study_description', 'text'],
  '00200010': ['study', 's.study_id', 'text'],
  '0020000E': ['series', 'e.series_instance_uid', 'uid'],
  '00080060': ['series', 'e.modality', 'text'],
  '00200011': ['series', 'e.series_number', 'number'],
  '00080021': ['series', 'e.series_date', 'range'],
  '00080031': ['series', 'e.series_time', 'range'],
  '0008103E': ['series', 'e.series_description', 'text'],
  '00180015': ['series', 'e.body_part_examined', 'text'],
  '00400244': ['series', 'e.performed_procedure_step_start_date', 'range'],
  '00400245': ['series', 'e.performed_procedure_step_start_time', 'range'],
  '00080018': ['instance', 'i.sop_instance_uid', 'uid'],
  '00080016': ['instance', 'i.sop_class_uid', 'uid'],
  '00200013': ['instance', 'i.instance_number', 'number'],
};

export const depth: Readonly<Record<SearchLevel, number>> = { study: 0, series: 1, instance: 2 };

/** Whether a search of this level can match by this attribute. */
export function isMatchable(tag: string, level: SearchLevel): boolean {
  const column = columns[tag];
  return column !== undefined && depth[column[0]] <= depth[level];
}

export type Condition = { readonly sql: string; readonly values: readonly (string | number)[] };

export function conditionOf(tag: string, value: string, level: SearchLevel): Condition[] {
  const column = columns[tag];
  const isUniversal = value === '' || value === '*';
  return !column || !isMatchable(tag, level) || isUniversal ? [] : columnConditions(column, value);
}

function columnConditions([, sql, matching]: Column, value: string): Condition[] {
  switch (matching) {
    case 'uid': {
      const uids = value.split(/[,\\]/);
      return [{ sql: `${sql} IN (${uids.map(() => '?').join(', ')})`, values: uids }];
    }
    case 'number':
      return [{ sql: `${sql} = ?`, values: [Number(value)] }];
    case 'range':
      return rangeConditions(sql, value);
    case 'name':
      return [sql === 's.patient_name' ? patientNameCondition(sql, value) : nameCondition(sql, value)];
    case 'text':
      return [textCondition(sql, value)];
    case 'modalities':
      return [modalityCondition(value)];
  }
}

function modalityCondition(value: string): Condition {
  const { sql, values } = textCondition('m.modality', value);
  return {
    sql: `EXISTS (SELECT 1 FROM series m WHERE m.study_instance_uid = s.study_instance_uid AND ${sql})`,
    values,
  };
}

/** What begins with a text lies between it and it followed by this one. */
const lastCharacter = '\u{10FFFF}';

/** PS3.4 §C.2.2.2.5: `A-B`, `A-` and `-B` include their ends. */
function rangeConditions(sql: string, value: string): Condition[] {
  const hyphen = value.indexOf('-');
  if (hyphen < 0) return [{ sql: `${sql} = ?`, values: [value] }];
  const [from, to] = [value.slice(0, hyphen), value.slice(hyphen + 1)];
  return [
    { sql: `${sql} <> ''`, values: [] },
    ...(from ? [{ sql: `${sql} >= ?`, values: [from] }] : []),
    // A time may be more precise than the range's end: 10 includes 1059.
    ...(to ? [{ sql: `${sql} <= ?`, values: [to + lastCharacter] }] : []),
  ];
}

function textCondition(sql: string, value: string): Condition {
  if (!/[*?]/.test(value)) return { sql: `${sql} = ?`, values: [value] };
  // GLOB minds the case, as these VRs do (PS3.4 §C.2.2.2.4); its own `[` must be taken as it stands.
  return { sql: `${sql} GLOB ?`, values: [value.replaceAll('[', '[[]')] };
}

/** Person names match without regard to case, in any of their three groups. */
function nameCondition(sql: string, value: string): Condition {
  const { first, others } = namePatterns(value);
  return anyLike(sql, [...first, ...others]);
}

/** Where a name begins with what it begins with is looked up; without that all names are looked at. */
function patientNameCondition(sql: string, value: string): Condition {
  const beginning = /^[^*?]*/.exec(value)?.[0] ?? '';
  if (beginning === '') return nameCondition(sql, value);
  const { first, others } = namePatterns(value);
  const [inFirst, inOthers] = [anyLike('patient_name', first), anyLike('patient_name', others)];
  return {
    sql: `s.rowid IN (
      SELECT rowid FROM study WHERE patient_name COLLATE NOCASE BETWEEN ? AND ? AND ${inFirst.sql}
      UNION ALL SELECT rowid FROM study WHERE instr(patient_name, '=') > 0 AND ${inOthers.sql})`,
    values: [beginning, beginning + lastCharacter, ...inFirst.values, ...inOthers.values],
  };
}

type NamePatterns = { readonly first: readonly string[]; readonly others: readonly string[] };

function namePatterns(value: string): NamePatterns {
  const pattern = value
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
  return { first: [pattern, `${pattern}=%`], others: [`%=${pattern}`, `%=${pattern}=%`] };
}

function anyLike(sql: string, patterns: readonly string[]): Condition {
  return { sql: `(${patterns.map(() => `${sql} LIKE ? ESCAPE '\\'`).join(' OR ')})`, values: patterns };
}
