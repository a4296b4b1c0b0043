import { randomUUID } from 'node:crypto';
import type { StudySummary } from '@medusa/protocol';
import { textOf, type DicomJson } from '../dicom/dicom-json.ts';
import { integerOf, nameText, seriesAttributes, studyAttributes } from './attributes.ts';
import { IndexDatabase } from './index-database.ts';
import { schema } from './schema.ts';

export type NewInstance = {
  /** Of `indexedTags`. */
  readonly attributes: DicomJson;
  readonly metadata: string;
  readonly layout: string;
  readonly transferSyntaxUID: string;
  readonly sha256: string;
  readonly dataOffset: number;
  readonly bytes: number;
  readonly receivedAt: string;
  /** AE title of the sender, or `STOW-RS`. */
  readonly receivedFrom: string;
};

/** What became of an object: `conflict` is other content under a known SOP Instance UID. */
export type RecordOutcome = 'stored' | 'duplicate' | 'conflict';
export type IndexTotals = {
  readonly studies: number;
  readonly instances: number;
  readonly conflicts: number;
};

export type InstanceRow = {
  readonly sop_instance_uid: string;
  readonly study_instance_uid: string;
  readonly series_instance_uid: string;
  readonly sop_class_uid: string;
  readonly transfer_syntax_uid: string;
  readonly sha256: string;
  readonly data_offset: number;
  readonly bytes: number;
  readonly metadata: string;
  readonly layout: string;
};
export type InstanceScope = { readonly study: string; readonly series?: string; readonly instance?: string };

/** The index of patients' studies, series and instances. */
export function openStudyIndex(path: string): IndexDatabase {
  const index = IndexDatabase.open(path, schema);
  index.run("INSERT OR IGNORE INTO meta VALUES ('index-id', ?), ('change', '0')", randomUUID());
  return index;
}

/** Names this index for as long as it exists. */
export function indexIdOf(index: IndexDatabase): string {
  return index.get<{ value: string }>("SELECT value FROM meta WHERE name = 'index-id'")?.value ?? '';
}

/**
 * Seen by all when it returns; the disk is not waited for, as whoever records has the object there. Check and insert are one, so that two senders
 * of one object cannot come between.
 */
export function recordInstance(index: IndexDatabase, instance: NewInstance): RecordOutcome {
  return index.gather(() => insert(index, instance));
}

/** What `recordInstance` would answer. */
export function foresee(index: IndexDatabase, sopInstanceUID: string, sha256: string): RecordOutcome {
  const known = index.get<{ sha256: string }>(
    'SELECT sha256 FROM instance WHERE sop_instance_uid = ?',
    sopInstanceUID,
  );
  if (!known) return 'stored';
  return known.sha256 === sha256 ? 'duplicate' : 'conflict';
}

/** Whether any row refers to this content. */
export function holdsContent(index: IndexDatabase, sha256: string): boolean {
  return (
    index.get(
      'SELECT 1 FROM instance WHERE sha256 = ? UNION ALL SELECT 1 FROM conflict WHERE sha256 = ? LIMIT 1',
      sha256,
      sha256,
    ) !== undefined
  );
}

/** Content that rows refer to, by the first digits of its name. */
export function contentOfShard(index: IndexDatabase, prefix: string): string[] {
  const range = [prefix, `${prefix}g`, prefix, `${prefix}g`];
  return index
    .all<{ sha256: string }>(
      `SELECT sha256 FROM instance WHERE sha256 >= ? AND sha256 < ?
     UNION SELECT sha256 FROM conflict WHERE sha256 >= ? AND sha256 < ?`,
      ...range,
    )
    .map(({ sha256 }) => sha256);
}

export function totalsOf(index: IndexDatabase): IndexTotals {
  return (
    index.get<IndexTotals>(
      `SELECT (SELECT count(*) FROM study) AS studies, (SELECT coalesce(sum(instances), 0) FROM study) AS instances,
            (SELECT count(*) FROM conflict) AS conflicts`,
    ) ?? { studies: 0, instances: 0, conflicts: 0 }
  );
}

/** Studies changed after `change`, in that order. */
export function changedSince(index: IndexDatabase, change: number, limit: number): StudySummary[] {
  return index
    .all<StudyRow>('SELECT * FROM study WHERE change > ? ORDER BY change LIMIT ?', change, limit)
    .map((row) => summaryOf(index, row));
}

export function instancesWithin(index: IndexDatabase, scope: InstanceScope): InstanceRow[] {
  const conditions = ['study_instance_uid = ?'];
  const values = [scope.study];
  if (scope.series !== undefined) {
    conditions.push('series_instance_uid = ?');
    values.push(scope.series);
  }
  if (scope.instance !== undefined) {
    conditions.push('sop_instance_uid = ?');
    values.push(scope.instance);
  }
  return index.all<InstanceRow>(
    `SELECT * FROM instance WHERE ${conditions.join(' AND ')}
     ORDER BY series_instance_uid, instance_number, sop_instance_uid`,
    ...values,
  );
}

function insert(index: IndexDatabase, instance: NewInstance): RecordOutcome {
  const { attributes, sha256, receivedAt, receivedFrom } = instance;
  const sopInstanceUID = textOf(attributes, '00080018');
  const outcome = foresee(index, sopInstanceUID, sha256);
  if (outcome === 'duplicate') return outcome;
  if (outcome === 'conflict') {
    index.run(
      'INSERT OR IGNORE INTO conflict VALUES (?, ?, ?, ?, ?, ?, ?)',
      sopInstanceUID,
      sha256,
      instance.transferSyntaxUID,
      instance.dataOffset,
      instance.bytes,
      receivedAt,
      receivedFrom,
    );
    return outcome;
  }
  const change = nextChange(index);
  insertStudy(index, instance, change);
  insertSeries(index, instance);
  insertInstance(index, instance, sopInstanceUID);
  return outcome;
}

function nextChange(index: IndexDatabase): number {
  const row = index.get<{ value: string }>(
    "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'change' RETURNING value",
  );
  return Number(row?.value);
}

/** Patient and study attributes are those of the first object of the study; a later one that differs changes nothing here. */
function insertStudy(
  index: IndexDatabase,
  { attributes, receivedAt, receivedFrom }: NewInstance,
  change: number,
): void {
  const study = textOf(attributes, '0020000D');
  const known = index.run(
    `UPDATE study SET instances = instances + 1, last_received_at = max(last_received_at, ?), received_from = ?, change = ?
     WHERE study_instance_uid = ?`,
    receivedAt,
    receivedFrom,
    change,
    study,
  );
  if (known > 0) return;
  index.run(
    `INSERT INTO study (study_instance_uid, patient_name, patient_id, patient_birth_date, patient_sex,
       accession_number, study_id, study_date, study_time, study_description, referring_physician_name,
       attributes, first_received_at, last_received_at, received_from, change, instances)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    study,
    nameText(attributes, '00100010'),
    textOf(attributes, '00100020'),
    textOf(attributes, '00100030'),
    textOf(attributes, '00100040'),
    textOf(attributes, '00080050'),
    textOf(attributes, '00200010'),
    textOf(attributes, '00080020'),
    textOf(attributes, '00080030'),
    textOf(attributes, '00081030'),
    nameText(attributes, '00080090'),
    JSON.stringify(studyAttributes(attributes)),
    receivedAt,
    receivedAt,
    receivedFrom,
    change,
  );
}

function insertSeries(index: IndexDatabase, { attributes }: NewInstance): void {
  const study = textOf(attributes, '0020000D');
  const series = textOf(attributes, '0020000E');
  const known = index.run(
    'UPDATE series SET instances = instances + 1 WHERE study_instance_uid = ? AND series_instance_uid = ?',
    study,
    series,
  );
  if (known > 0) return;
  index.run(
    'INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)',
    study,
    series,
    textOf(attributes, '00080060'),
    integerOf(attributes, '00200011'),
    textOf(attributes, '00080021'),
    textOf(attributes, '00080031'),
    textOf(attributes, '0008103E'),
    textOf(attributes, '00180015'),
    textOf(attributes, '00400244'),
    textOf(attributes, '00400245'),
    JSON.stringify(seriesAttributes(attributes)),
  );
  index.run('UPDATE study SET series = series + 1 WHERE study_instance_uid = ?', study);
}

function insertInstance(index: IndexDatabase, instance: NewInstance, sopInstanceUID: string): void {
  const { attributes } = instance;
  index.run(
    'INSERT INTO instance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    sopInstanceUID,
    textOf(attributes, '0020000D'),
    textOf(attributes, '0020000E'),
    textOf(attributes, '00080016'),
    integerOf(attributes, '00200013'),
    instance.transferSyntaxUID,
    instance.sha256,
    instance.dataOffset,
    instance.bytes,
    instance.metadata,
    instance.layout,
    instance.receivedAt,
    instance.receivedFrom,
  );
}

function summaryOf(index: IndexDatabase, row: StudyRow): StudySummary {
  const modalities = index.all<{ modality: string }>(
    "SELECT DISTINCT modality FROM series WHERE study_instance_uid = ? AND modality <> '' ORDER BY modality",
    row.study_instance_uid,
  );
  const size = index.get<{ bytes: number }>(
    'SELECT coalesce(sum(bytes), 0) AS bytes FROM instance WHERE study_instance_uid = ?',
    row.study_instance_uid,
  );
  const clip = (text: string, length: number): string => text.slice(0, length);
  return {
    studyInstanceUID: row.study_instance_uid,
    patientName: clip(row.patient_name.split('=').find((group) => group !== '') ?? '', 1024),
    patientID: clip(row.patient_id, 256),
    patientBirthDate: clip(row.patient_birth_date, 32),
    patientSex: clip(row.patient_sex, 16),
    accessionNumber: clip(row.accession_number, 256),
    studyID: clip(row.study_id, 256),
    studyDate: clip(row.study_date, 32),
    studyTime: clip(row.study_time, 32),
    studyDescription: clip(row.study_description, 1024),
    referringPhysicianName: clip(row.referring_physician_name.split('=')[0] ?? '', 1024),
    modalitiesInStudy: modalities.map(({ modality }) => clip(modality, 16)),
    numberOfStudyRelatedSeries: row.series,
    numberOfStudyRelatedInstances: row.instances,
    storedBytes: size?.bytes ?? 0,
    firstReceivedAt: row.first_received_at,
    lastReceivedAt: row.last_received_at,
    receivedFrom: clip(row.received_from, 64),
    change: row.change,
  };
}

type StudyRow = {
  readonly study_instance_uid: string;
  readonly patient_name: string;
  readonly patient_id: string;
  readonly patient_birth_date: string;
  readonly patient_sex: string;
  readonly accession_number: string;
  readonly study_id: string;
  readonly study_date: string;
  readonly study_time: string;
  readonly study_description: string;
  readonly referring_physician_name: string;
  readonly attributes: string;
  readonly series: number;
  readonly instances: number;
  readonly first_received_at: string;
  readonly last_received_at: string;
  readonly received_from: string;
  readonly change: number;
};
