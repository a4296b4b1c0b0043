import type { OfferState } from '@medusa/protocol';
import type { RejectedEvent } from './states.ts';

/** What happens to an offer. Only `agree` binds anybody, and then it is the agreement that binds. */
export const offerEvents = ['solicit', 'accept', 'reject', 'agree'] as const;
export type OfferEvent = (typeof offerEvents)[number];

/**
 * GFD.193, Negotiation Offer States. Advisory: a proposal to talk about, open points and all. Solicited: whoever answers says Acceptable or
 * Rejected. Acceptable: its maker would agree to it as it is. Rejected: nothing is made of it any more.
 */
const table: Readonly<Record<OfferState, Partial<Record<OfferEvent, OfferState>>>> = {
  Advisory: { solicit: 'Solicited', accept: 'Acceptable', reject: 'Rejected' },
  Solicited: { accept: 'Acceptable', reject: 'Rejected' },
  Acceptable: { reject: 'Rejected', agree: 'Acceptable' },
  Rejected: {},
};

/** What becomes of the offer; an event that does not fit is rejected with the reason. */
export function transitionOffer(state: OfferState, event: OfferEvent): OfferState | RejectedEvent {
  return table[state][event] ?? { kind: 'rejected', reason: `An offer that is ${state} takes no ${event}` };
}

/** Which states a counter-offer may have, by the state of the offer that it answers. */
const answers: Readonly<Record<OfferState, readonly OfferState[]>> = {
  Advisory: ['Advisory', 'Solicited', 'Acceptable', 'Rejected'],
  Solicited: ['Acceptable', 'Rejected'],
  Acceptable: ['Advisory', 'Solicited', 'Acceptable', 'Rejected'],
  Rejected: ['Advisory', 'Solicited', 'Acceptable', 'Rejected'],
};

export function mayAnswer(answered: OfferState, answer: OfferState): boolean {
  return answers[answered].includes(answer);
}
