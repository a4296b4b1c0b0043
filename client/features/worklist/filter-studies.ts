import type { StudySummary } from '@medusa/protocol';
import { toDicomDate } from '../../core/dicom-time.ts';
import { formatPersonName } from '../../core/person-name.ts';

export type WorklistFilter = {
  readonly search: string;
  /** Null = any. */
  readonly modality: string | null;
  readonly range: 'today' | 'week' | 'all';
};

const dayMs = 24 * 60 * 60 * 1_000;

/** The studies that match, newest first. Every word of the search must occur somewhere. */
export function filterStudies(
  studies: Iterable<StudySummary>,
  filter: WorklistFilter,
  now: Date,
): readonly StudySummary[] {
  const words = normalise(filter.search).split(' ').filter(Boolean);
  const since = firstDate(filter.range, now);
  return [...studies]
    .filter((study) => filter.modality === null || study.modalitiesInStudy.includes(filter.modality))
    .filter((study) => since === '' || study.studyDate >= since)
    .filter((study) => {
      const text = searchText(study);
      return words.every((word) => text.includes(word));
    })
    .sort(newestFirst);
}

/** All modalities that occur, sorted. */
export function modalitiesOf(studies: Iterable<StudySummary>): readonly string[] {
  return [...new Set([...studies].flatMap(({ modalitiesInStudy }) => modalitiesInStudy))].sort();
}

/** Puts changed studies in; an older word about a study never replaces a newer one. */
export function mergeStudies(
  known: ReadonlyMap<string, StudySummary>,
  changed: readonly StudySummary[],
): ReadonlyMap<string, StudySummary> {
  const merged = new Map(known);
  for (const study of changed)
    if ((merged.get(study.studyInstanceUID)?.change ?? -1) <= study.change)
      merged.set(study.studyInstanceUID, study);
  return merged;
}

function firstDate(range: WorklistFilter['range'], now: Date): string {
  switch (range) {
    case 'all':
      return '';
    case 'today':
      return toDicomDate(now);
    case 'week':
      return toDicomDate(new Date(now.getTime() - 6 * dayMs));
  }
}

function newestFirst(a: StudySummary, b: StudySummary): number {
  const key = (study: StudySummary): string => `${study.studyDate}${study.studyTime}`;
  return key(b).localeCompare(key(a)) || b.firstReceivedAt.localeCompare(a.firstReceivedAt);
}

function searchText(study: StudySummary): string {
  return normalise(
    [
      formatPersonName(study.patientName),
      study.patientName.replaceAll(/[\^=]/g, ' '),
      study.patientID,
      study.accessionNumber,
      study.studyDescription,
      study.modalitiesInStudy.join(' '),
    ].join(' '),
  );
}

/** Without case and accents: who types `muller` finds `Müller`. */
function normalise(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ');
}
