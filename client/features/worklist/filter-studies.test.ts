import type { StudySummary } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { filterStudies, mergeStudies, modalitiesOf } from './filter-studies.ts';

const study = (uid: string, change: Partial<StudySummary>): StudySummary => ({
  studyInstanceUID: uid,
  patientName: 'Doe^Jane',
  patientID: 'P-1',
  patientBirthDate: '19700102',
  patientSex: 'F',
  accessionNumber: 'A-1',
  studyID: '1',
  studyDate: '20261124',
  studyTime: '080000',
  studyDescription: 'CT Thorax',
  referringPhysicianName: '',
  modalitiesInStudy: ['CT'],
  numberOfStudyRelatedSeries: 1,
  numberOfStudyRelatedInstances: 60,
  firstReceivedAt: '2026-11-24T08:00:00.000Z',
  lastReceivedAt: '2026-11-24T08:00:00.000Z',
  receivedFrom: 'PACS',
  change: 1,
  ...change,
});
const studies = [
  study('1.1', {}),
  study('1.2', { patientName: 'Müller^Jörg', studyDate: '20261120', modalitiesInStudy: ['MR', 'SR'] }),
  study('1.3', { patientName: 'Roe^Rick', studyDate: '20250101', accessionNumber: 'X-99' }),
];
const now = new Date(2026, 10, 24, 12);
const uids = (filter: Partial<Parameters<typeof filterStudies>[1]>): readonly string[] =>
  filterStudies(studies, { search: '', modality: null, range: 'all', ...filter }, now).map(
    ({ studyInstanceUID }) => studyInstanceUID,
  );

describe('filterStudies', () => {
  it('puts the newest first', () => expect(uids({})).toEqual(['1.1', '1.2', '1.3']));
  it('finds names without accents, in any order of words', () =>
    expect(uids({ search: 'jorg MULLER' })).toEqual(['1.2']));
  it('finds accession numbers', () => expect(uids({ search: 'x-99' })).toEqual(['1.3']));
  it('wants every word', () => expect(uids({ search: 'doe rick' })).toEqual([]));
  it('keeps to a modality', () => expect(uids({ modality: 'SR' })).toEqual(['1.2']));
  it('keeps to today', () => expect(uids({ range: 'today' })).toEqual(['1.1']));
  it('keeps to seven days', () => expect(uids({ range: 'week' })).toEqual(['1.1', '1.2']));
});

it('lists the modalities that occur', () => {
  expect(modalitiesOf(studies)).toEqual(['CT', 'MR', 'SR']);
});

it('never lets older news of a study replace newer', () => {
  const known = mergeStudies(new Map(), [study('1.1', { change: 5, studyDescription: 'new' })]);
  const merged = mergeStudies(known, [study('1.1', { change: 4 }), study('1.2', { change: 4 })]);

  expect(merged.get('1.1')?.studyDescription).toBe('new');
  expect(merged.size).toBe(2);
});
