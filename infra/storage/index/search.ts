import type { DicomJson, JsonAttribute } from '../dicom/dicom-json.ts';
import { pick } from './attributes.ts';
import type { StudyIndex } from './study-index.ts';

export type SearchLevel = 'study' | 'series' | 'instance';

/** A QIDO-RS search (PS3.18 §10.6). */
export type Search = {
  readonly level: SearchLevel;
  readonly study: string | undefined;
  readonly series: string | undefined;
  /** Tag → what to match. */
  readonly keys: ReadonlyMap<string, string>;
  readonly includeFields: ReadonlySet<string> | 'all';
  readonly limit: number;
  readonly offset: number;
};

/** `retrievePath` is relative to the service root. */
export type SearchMatch = { readonly attributes: DicomJson; readonly retrievePath: string };

type Matching = 'uid' | 'text' | 'name' | 'range' | 'number' | 'modalities';
type Column = readonly [level: SearchLevel, sql: string, matching: Matching];

const columns: Readonly<Record<string, Column | undefined>> = {
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

const depth: Readonly<Record<SearchLevel, number>> = { study: 0, series: 1, instance: 2 };

/** Whether a search of this level can match by this attribute. */
export function isMatchable(tag: string, level: SearchLevel): boolean {
  const column = columns[tag];
  return column !== undefined && depth[column[0]] <= depth[level];
}

const sources: Readonly<Record<SearchLevel, string>> = {
  study: 'study s',
  series: 'study s JOIN series e USING (study_instance_uid)',
  instance:
    'study s JOIN series e USING (study_instance_uid) JOIN instance i USING (study_instance_uid, series_instance_uid)',
};
const selections: Readonly<Record<SearchLevel, string>> = {
  study: '',
  series: ', e.series_instance_uid, e.attributes AS series_attributes, e.instances AS series_instances',
  instance: `, e.series_instance_uid, e.attributes AS series_attributes, e.instances AS series_instances,
    i.sop_instance_uid, i.metadata`,
};
const orders: Readonly<Record<SearchLevel, string>> = {
  study: 's.study_date DESC, s.study_time DESC, s.study_instance_uid',
  series: 's.study_date DESC, s.study_instance_uid, e.series_number, e.series_instance_uid',
  instance:
    's.study_instance_uid, e.series_number, e.series_instance_uid, i.instance_number, i.sop_instance_uid',
};

export function search(index: StudyIndex, given: Search): SearchMatch[] {
  const keys = new Map(given.keys);
  const conditions: Condition[] = [...keys].flatMap(([tag, value]) => conditionOf(tag, value, given.level));
  if (given.study !== undefined) conditions.push({ sql: 's.study_instance_uid = ?', values: [given.study] });
  if (given.series !== undefined)
    conditions.push({ sql: 'e.series_instance_uid = ?', values: [given.series] });
  const where = conditions.length > 0 ? `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}` : '';
  const rows = index.all<Row>(
    `SELECT s.study_instance_uid, s.attributes AS study_attributes, s.series AS study_series,
       s.instances AS study_instances,
       (SELECT group_concat(modality, '\\') FROM (SELECT DISTINCT modality FROM series m
         WHERE m.study_instance_uid = s.study_instance_uid AND modality <> '' ORDER BY modality)) AS modalities
       ${selections[given.level]}
     FROM ${sources[given.level]} ${where} ORDER BY ${orders[given.level]} LIMIT ? OFFSET ?`,
    ...conditions.flatMap(({ values }) => values),
    given.limit,
    given.offset,
  );
  return rows.map((row) => matchOf(row, given));
}

type Condition = { readonly sql: string; readonly values: readonly (string | number)[] };

function conditionOf(tag: string, value: string, level: SearchLevel): Condition[] {
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
      return [nameCondition(sql, value)];
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

/** PS3.4 §C.2.2.2.5: `A-B`, `A-` and `-B` include their ends. */
function rangeConditions(sql: string, value: string): Condition[] {
  const hyphen = value.indexOf('-');
  if (hyphen < 0) return [{ sql: `${sql} = ?`, values: [value] }];
  const [from, to] = [value.slice(0, hyphen), value.slice(hyphen + 1)];
  return [
    { sql: `${sql} <> ''`, values: [] },
    ...(from ? [{ sql: `${sql} >= ?`, values: [from] }] : []),
    // A time may be more precise than the range's end: 10 includes 1059.
    ...(to ? [{ sql: `substr(${sql}, 1, ?) <= ?`, values: [to.length, to] }] : []),
  ];
}

function textCondition(sql: string, value: string): Condition {
  if (!/[*?]/.test(value)) return { sql: `${sql} = ?`, values: [value] };
  // GLOB minds the case, as these VRs do (PS3.4 §C.2.2.2.4); its own `[` must be taken as it stands.
  return { sql: `${sql} GLOB ?`, values: [value.replaceAll('[', '[[]')] };
}

/** Person names match without regard to case, in any of their three groups. */
function nameCondition(sql: string, value: string): Condition {
  const pattern = value
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
  const groups = [pattern, `${pattern}=%`, `%=${pattern}`, `%=${pattern}=%`];
  return { sql: `(${groups.map(() => `${sql} LIKE ? ESCAPE '\\'`).join(' OR ')})`, values: groups };
}

type Row = {
  readonly study_instance_uid: string;
  readonly study_attributes: string;
  readonly study_series: number;
  readonly study_instances: number;
  readonly modalities: string | null;
  readonly series_instance_uid?: string;
  readonly series_attributes?: string;
  readonly series_instances?: number;
  readonly sop_instance_uid?: string;
  readonly metadata?: string;
};

/** What PS3.18 tables 10.6.3-3 to -5 ask for, without being asked. */
const defaults: Readonly<Record<SearchLevel, readonly string[]>> = {
  study:
    '00080020 00080030 00080050 00080090 00080201 00081030 00100010 00100020 00100030 00100040 0020000D 00200010'.split(
      ' ',
    ),
  series: '00080021 00080031 00080060 0008103E 00180015 0020000E 00200011 00400244 00400245 00400275'.split(
    ' ',
  ),
  instance: '00080016 00080018 00200013 00280008 00280010 00280011 00280100'.split(' '),
};

function matchOf(row: Row, given: Search): SearchMatch {
  const known = knownOf(row);
  const attributes =
    given.includeFields === 'all' ? known : pick(known, [...defaultsOf(given), ...given.includeFields]);
  const path = [
    `studies/${row.study_instance_uid}`,
    ...(row.series_instance_uid ? [`series/${row.series_instance_uid}`] : []),
    ...(row.sop_instance_uid ? [`instances/${row.sop_instance_uid}`] : []),
  ];
  return { attributes: { ...attributes, ...countsOf(row, given.level) }, retrievePath: path.join('/') };
}

function knownOf(row: Row): DicomJson {
  const texts = [row.study_attributes, row.series_attributes ?? '{}', row.metadata ?? '{}'];
  return Object.assign({}, ...texts.map((text) => JSON.parse(text) as DicomJson)) as DicomJson;
}

/** Of the levels above only their UIDs, where the address names them already. */
function defaultsOf({ level, study, series }: Search): string[] {
  return [
    ...(level === 'study' || study === undefined ? defaults.study : ['0020000D']),
    ...(level === 'study' ? [] : series === undefined ? defaults.series : ['0020000E']),
    ...(level === 'instance' ? defaults.instance : []),
  ];
}

function countsOf(row: Row, level: SearchLevel): DicomJson {
  const number = (value: number): JsonAttribute => ({ vr: 'IS', Value: [value] });
  const always = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080056': { vr: 'CS', Value: ['ONLINE'] },
  };
  if (level === 'instance') return always;
  if (level === 'series') return { ...always, '00201209': number(row.series_instances ?? 0) };
  return {
    ...always,
    '00080061': row.modalities ? { vr: 'CS', Value: row.modalities.split('\\') } : { vr: 'CS' },
    '00201206': number(row.study_series),
    '00201208': number(row.study_instances),
  };
}
