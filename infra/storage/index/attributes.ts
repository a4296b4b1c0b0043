import { numberOf, type DicomJson } from '../dicom/dicom-json.ts';

/** Attributes that belong to the patient and study, and to the series: what a search of that level can return (PS3.18 §10.6.3.3). */
const studyRows = [
  '00080020 00080030 00080050 00080090 00080201 00081030 00081032 00081060 00081080',
  '00100010 00100020 00100021 00100030 00100032 00100040 00101000 00101010 00101020 00101030 00102160 00104000',
  '0020000D 00200010',
];
const seriesRows = [
  '00080021 00080031 00080060 00080068 00080070 00080080 00081010 00081040 0008103E 00081050 00081070 00081090',
  '00180015 00181000 00181020 00181030 00185100 0020000E 00200011 00200052 00200060',
  '00400244 00400245 00400253 00400254 00400275',
];
const tags = (rows: readonly string[]): readonly string[] => rows.join(' ').split(' ');
export const studyTags = tags(studyRows);
export const seriesTags = tags(seriesRows);

/** What the index itself looks at. */
export const indexedTags: readonly string[] = [
  ...studyTags,
  ...seriesTags,
  '00080016',
  '00080018',
  '00200013',
];

export function studyAttributes(metadata: DicomJson): DicomJson {
  return pick(metadata, studyTags);
}
export function seriesAttributes(metadata: DicomJson): DicomJson {
  return pick(metadata, seriesTags);
}

export function pick(metadata: DicomJson, wanted: readonly string[]): DicomJson {
  return Object.fromEntries(wanted.flatMap((tag) => (metadata[tag] ? [[tag, metadata[tag]]] : [])));
}

/** All three groups of a person name, so that a search finds any of them. */
export function nameText(metadata: DicomJson, tag: string): string {
  const value = metadata[tag]?.Value?.[0];
  if (typeof value !== 'object' || value === null) return '';
  const name = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
  return [name.Alphabetic ?? '', name.Ideographic ?? '', name.Phonetic ?? ''].join('=').replace(/=+$/, '');
}

export function integerOf(metadata: DicomJson, tag: string): number | null {
  const value = numberOf(metadata, tag);
  return value === undefined ? null : Math.trunc(value);
}
