import type { DicomJson, JsonAttribute } from '../dicom/dicom-json.ts';
import { keyText } from '../dicom/identifier.ts';
import { pick, seriesTags, studyTags } from './attributes.ts';
import { matchesKey } from './json-matching.ts';
import { columns, conditionOf, depth, type Condition, type SearchLevel } from './matching.ts';
import { sources } from './search.ts';
import type { IndexDatabase } from './index-database.ts';

export type FindLevel = 'patient' | SearchLevel;
const findLevels: readonly FindLevel[] = ['patient', 'study', 'series', 'instance'];

export type Find = {
  readonly level: FindLevel;
  /** The identifier of the request, without what is no key. */
  readonly keys: DicomJson;
};

/** Rows that are in memory at once; instances carry all of their metadata. */
const pageRows: Readonly<Record<FindLevel, number>> = { patient: 200, study: 200, series: 200, instance: 50 };

/** Attributes that are counted, not kept. */
export const counted: Readonly<Record<FindLevel, readonly string[]>> = {
  patient: ['00201200', '00201202', '00201204'],
  study: ['00080061', '00080062', '00201206', '00201208'],
  series: ['00201209'],
  instance: [],
};

/** Whether a search of this level knows the attribute; of an instance all is known. */
export function isSupported(tag: string, level: FindLevel): boolean {
  if (level === 'instance') return true;
  const above = findLevels.slice(0, findLevels.indexOf(level) + 1);
  const kept = level === 'series' ? [...studyTags, ...seriesTags] : studyTags;
  const isOfLevel = level === 'patient' ? tag.startsWith('0010') : true;
  return (kept.includes(tag) && isOfLevel) || above.some((at) => counted[at].includes(tag));
}

type Row = {
  readonly cursor: string | number;
  readonly study_instance_uid: string;
  readonly study_attributes: string;
  readonly series_attributes?: string;
  readonly metadata?: string;
  readonly studies?: number;
  readonly series: number;
  readonly instances: number;
};

/**
 * What matches, newest first, page by page: no cursor is open in between, and what comes meanwhile is not seen. Relational:
 * keys of any level count, and no key is needed (PS3.4 §C.4.1.3.2).
 */
export function* find(index: IndexDatabase, { level, keys }: Find): Generator<DicomJson, void, undefined> {
  const { conditions, rest } = partition(level, keys);
  const needsClasses = keys['00080062'] !== undefined;
  for (let cursor: Row['cursor'] | undefined; ;) {
    const rows = index.all<Row>(...pageQuery(level, conditions, cursor));
    for (const row of rows) {
      const attributes = { ...knownOf(row), ...countsOf(index, row, { level, needsClasses }) };
      if (rest.every(([tag, key]) => matchesKey(key, attributes[tag]))) yield attributes;
    }
    cursor = rows.at(-1)?.cursor;
    if (cursor === undefined || rows.length < pageRows[level]) return;
  }
}

/** What the database matches, and what is matched in what it finds. */
function partition(
  level: FindLevel,
  keys: DicomJson,
): { conditions: readonly Condition[]; rest: readonly (readonly [string, JsonAttribute])[] } {
  const at = level === 'patient' ? 'study' : level;
  const conditions: Condition[] = [];
  const rest: [string, JsonAttribute][] = [];
  for (const [tag, key] of Object.entries(keys)) {
    if (!key) continue;
    const column = columns[tag];
    if (column && depth[column[0]] <= depth[at]) conditions.push(...conditionOf(tag, keyText(key), at));
    else if (isSupported(tag, level)) rest.push([tag, key]);
  }
  return { conditions, rest };
}

const selections: Readonly<Record<FindLevel, string>> = {
  patient: `s.patient_id AS cursor, s.study_instance_uid, s.attributes AS study_attributes, max(s.rowid),
    count(*) AS studies, sum(s.series) AS series, sum(s.instances) AS instances`,
  study: 's.rowid AS cursor, s.study_instance_uid, s.attributes AS study_attributes, s.series, s.instances',
  series: `e.rowid AS cursor, s.study_instance_uid, s.attributes AS study_attributes,
    e.attributes AS series_attributes, s.series, e.instances`,
  instance: `i.rowid AS cursor, s.study_instance_uid, '{}' AS study_attributes, i.metadata, s.series, s.instances`,
};
const rowids: Readonly<Record<SearchLevel, string>> = {
  study: 's.rowid',
  series: 'e.rowid',
  instance: 'i.rowid',
};

function pageQuery(
  level: FindLevel,
  conditions: readonly Condition[],
  cursor: Row['cursor'] | undefined,
): [string, ...(string | number)[]] {
  const key = level === 'patient' ? 's.patient_id' : rowids[level];
  const after =
    cursor === undefined ? [] : [{ sql: `${key} ${level === 'patient' ? '>' : '<'} ?`, values: [cursor] }];
  const all = [...conditions, ...after];
  const where = all.length > 0 ? `WHERE ${all.map(({ sql }) => sql).join(' AND ')}` : '';
  const order = level === 'patient' ? `GROUP BY ${key} ORDER BY ${key}` : `ORDER BY ${key} DESC`;
  return [
    `SELECT ${selections[level]} FROM ${sources[level === 'patient' ? 'study' : level]} ${where} ${order}
     LIMIT ${pageRows[level]}`,
    ...all.flatMap(({ values }) => values),
  ];
}

function knownOf(row: Row): DicomJson {
  const texts = [row.study_attributes, row.series_attributes ?? '{}', row.metadata ?? '{}'];
  return Object.assign({}, ...texts.map((text) => JSON.parse(text) as DicomJson)) as DicomJson;
}

type CountOptions = { readonly level: FindLevel; readonly needsClasses: boolean };

function countsOf(index: IndexDatabase, row: Row, { level, needsClasses }: CountOptions): DicomJson {
  const number = (value: number): JsonAttribute => ({ vr: 'IS', Value: [value] });
  switch (level) {
    case 'patient':
      return {
        '00201200': number(row.studies ?? 0),
        '00201202': number(row.series),
        '00201204': number(row.instances),
      };
    case 'study':
      return {
        '00080061': { vr: 'CS', Value: distinct(index, 'modality FROM series', row) },
        ...(needsClasses && {
          '00080062': { vr: 'UI', Value: distinct(index, 'sop_class_uid FROM instance', row) },
        }),
        '00201206': number(row.series),
        '00201208': number(row.instances),
      };
    case 'series':
      return { '00201209': number(row.instances) };
    case 'instance':
      return {};
  }
}

function distinct(
  index: IndexDatabase,
  what: 'modality FROM series' | 'sop_class_uid FROM instance',
  row: Row,
): string[] {
  const column = what.split(' ')[0] ?? '';
  return index
    .all<Record<string, string>>(
      `SELECT DISTINCT ${what} WHERE study_instance_uid = ? ORDER BY 1`,
      row.study_instance_uid,
    )
    .map((found) => found[column] ?? '')
    .filter((value) => value !== '');
}

/** Of what is known only what was asked for; asked for and not there is empty (PS3.4 §C.2.2.1.3). */
export function returned(keys: DicomJson, known: DicomJson): DicomJson {
  const answer: Record<string, JsonAttribute> = {};
  for (const [tag, key] of Object.entries(keys)) {
    if (!key) continue;
    const found = known[tag];
    if (!found || found.BulkDataURI !== undefined) answer[tag] = { vr: key.vr };
    else answer[tag] = key.vr === 'SQ' && found.vr === 'SQ' ? returnedSequence(key, found) : found;
  }
  return answer;
}

function returnedSequence(key: JsonAttribute, found: JsonAttribute): JsonAttribute {
  const [wanted] = (key.Value ?? []) as readonly DicomJson[];
  const items = (found.Value ?? []) as readonly DicomJson[];
  if (!wanted || Object.keys(wanted).length === 0) return found;
  return { vr: 'SQ', Value: items.map((item) => pick(returned(wanted, item), Object.keys(wanted))) };
}
