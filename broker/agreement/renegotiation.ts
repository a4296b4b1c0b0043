import { AppError } from '@medusa/protocol';
import type { OfferFault } from './negotiation.ts';
import type { AgreementRecord } from './record.ts';
import { isObserved } from './states.ts';

/** What keeps a document from taking the place of an agreement: the parties are those of the agreement, and its name is another. */
export function renegotiationFaults(
  { id, context }: AgreementRecord['document'],
  present: Pick<AgreementRecord, 'id' | 'document'>,
): readonly OfferFault[] {
  const parties = ['initiator', 'responder', 'serviceProvider'] as const;
  const others = parties.filter((party) => context[party] !== present.document.context[party]);
  return [
    ...others.map((item) => ({ item, reason: `It is "${present.document.context[item]}" in the agreement` })),
    ...(id === present.id ? [{ item: 'id', reason: 'It is that of the agreement that it supersedes' }] : []),
  ];
}

/** Throws `agreement.conflict`: only what is observed is negotiated anew, and is superseded once (GFD.193, Renegotiation). */
export function requireRenegotiable({ id, state, supersededBy }: AgreementRecord): void {
  if (isObserved(state) && supersededBy === null) return;
  const reason = supersededBy === null ? `It is ${state}` : `${supersededBy} has superseded it`;
  throw new AppError('agreement.conflict', `${id} is not to be renegotiated: ${reason}`);
}
