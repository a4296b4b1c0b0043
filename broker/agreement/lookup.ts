import { AppError, type AgreementTemplate } from '@medusa/protocol';
import type { OfferFault } from './negotiation.ts';
import type { AgreementRecord, AgreementStore } from './record.ts';

/** Throws `template.unknown`. */
export async function findTemplate(store: AgreementStore, id: string): Promise<AgreementTemplate> {
  const template = await store.findTemplate(id);
  if (!template)
    throw new AppError('template.unknown', `There is no template "${id}"; the context names one`);
  return template;
}

/** Throws `agreement.unknown`. */
export async function findAgreement(store: AgreementStore, id: string): Promise<AgreementRecord> {
  return (await store.find(id)) ?? unknownAgreement(id);
}

export function unknownAgreement(id: string): never {
  throw new AppError('agreement.unknown', `There is no agreement ${id}`);
}

/** Throws `offer.unfit` with all that does not fit. */
export function refuse(faults: readonly OfferFault[]): void {
  if (faults.length === 0) return;
  const errors = faults.map(({ item, reason }) => ({ pointer: item, message: reason }));
  throw new AppError('offer.unfit', `${faults.length} items do not fit`, { errors });
}
