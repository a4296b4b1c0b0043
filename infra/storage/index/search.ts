import type { DicomJson, JsonAttribute } from '../dicom/dicom-json.ts';
import { pick } from './attributes.ts';
import { conditionOf, type Condition, type SearchLevel } from './matching.ts';
import type { IndexDatabase } from './index-database.ts';

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

export const sources: Readonly<Record<SearchLevel, string>> = {
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

export function search(index: IndexDatabase, given: Search): SearchMatch[] {
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
