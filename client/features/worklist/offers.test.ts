import { expect, it } from 'vitest';
import { firstOffer, offersFor } from './offers.ts';

const common = { description: '', modes: ['streamed' as const] };
const applications = [
  { ...common, id: 'workstation', name: 'Workstation', kind: 'workstation' as const },
  { ...common, id: 'slides', name: 'Slides', kind: 'slides' as const, modalities: ['SM'] },
  { ...common, id: 'aeskulap', name: 'Aeskulap', kind: 'x11' as const },
];
const idsFor = (...modalitiesInStudy: string[]): string[] =>
  offersFor({ modalitiesInStudy }, applications).map(({ id }) => id);

it('has what is for a modality first, and leaves it out for other studies', () => {
  expect(idsFor('SM')).toEqual(['slides', 'workstation', 'aeskulap']);
  expect(idsFor('CT', 'SM')).toEqual(['slides', 'workstation', 'aeskulap']);
  expect(idsFor('CT')).toEqual(['workstation', 'aeskulap']);
  expect(firstOffer({ modalitiesInStudy: ['SM'] }, applications)).toBe('slides');
  expect(firstOffer({ modalitiesInStudy: [] }, applications)).toBe('workstation');
});

it('opens with the workstation where nothing else is known', () => {
  expect(firstOffer({ modalitiesInStudy: ['SM'] }, [])).toBe('workstation');
});
