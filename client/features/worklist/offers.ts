import type { StudySummary } from '@medusa/protocol';
import type { ApplicationChoice } from '../../core/public-config.ts';

type Study = Pick<StudySummary, 'modalitiesInStudy'>;

/** What a study can be opened with, the first choice first: what is for its modalities, then what is for any. */
export function offersFor(
  { modalitiesInStudy }: Study,
  applications: readonly ApplicationChoice[],
): readonly ApplicationChoice[] {
  const isMeant = ({ modalities = [] }: ApplicationChoice): boolean =>
    modalities.some((modality) => modalitiesInStudy.includes(modality));
  return [
    ...applications.filter(isMeant),
    ...applications.filter(({ modalities }) => modalities === undefined),
  ];
}

/** With what it is opened when nobody chooses. */
export function firstOffer(study: Study, applications: readonly ApplicationChoice[]): string {
  return offersFor(study, applications)[0]?.id ?? 'workstation';
}
