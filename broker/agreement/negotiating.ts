import { AppError, type AgreementOffer, type AgreementTemplate, type OfferView } from '@medusa/protocol';
import { findAgreement, findTemplate, refuse } from './lookup.ts';
import { checkOffer, checkTerms, type OfferFault } from './negotiation.ts';
import { mayAnswer, transitionOffer, type OfferEvent } from './offer-states.ts';
import type { AgreementRecord, AgreementStore } from './record.ts';
import { renegotiationFaults, requireRenegotiable } from './renegotiation.ts';

type NegotiationDeps = {
  readonly store: AgreementStore;
  readonly now: () => Date;
  readonly newId: () => string;
};

type AskedOffer = {
  readonly by: string;
  /** The offer that it answers. */
  readonly answers?: string | undefined;
  /** The observed agreement in whose place the new one would be. */
  readonly renegotiates?: string | undefined;
  /** Left out: acceptable when it fits its template, rejected when it does not. */
  readonly as?: 'Advisory' | 'Solicited' | undefined;
};

/** Templates, and offers until they become agreements. */
export type Negotiation = {
  /** Throws `offer.unfit` when its terms could never be agreed upon. */
  putTemplate(template: AgreementTemplate): Promise<void>;
  /** Throws `template.unknown`. */
  template(id: string): Promise<AgreementTemplate>;
  /**
   * Checks and keeps an offer that binds nobody (GFD.193). One that answers another keeps its expiry and what it renegotiates. Throws
   * `offer.conflict` for what is no answer to it, `agreement.conflict` for an agreement that is not to be renegotiated.
   */
  offer(document: AgreementOffer, asked: AskedOffer): Promise<OfferView>;
  /** Throws `offer.conflict` when its state does not take it, `offer.unfit` when what does not fit is to be acceptable. */
  actOnOffer(id: string, event: 'solicit' | 'accept' | 'reject', by: string): Promise<OfferView>;
  /** What would keep it from being kept, or from being agreed upon. Changes nothing. */
  check(document: AgreementTemplate | AgreementOffer): Promise<readonly OfferFault[]>;
  /** A pending agreement of an offer that is acceptable still. Throws `offer.expired`, `offer.unfit`. */
  createFromOffer(offerId: string, by: string): Promise<AgreementRecord>;
};

const offerDays = 30;

type Create = (document: AgreementOffer, by: string, supersedes: string | null) => Promise<AgreementRecord>;

export function negotiationOf(deps: NegotiationDeps, create: Create): Negotiation {
  const { store, now } = deps;
  return {
    template: async (id) => findTemplate(store, id),
    async check(document) {
      if ('creationConstraints' in document) return checkTerms(document.terms);
      const base = await store.findTemplate(document.context.templateId ?? '');
      if (base) return checkOffer(document, base);
      return [{ item: 'templateId', reason: 'There is no such template; the context names one' }];
    },
    async putTemplate(given: AgreementTemplate) {
      refuse(checkTerms(given.terms));
      await store.putTemplate(given);
    },
    offer: async (document, asked) => makeOffer(deps, document, asked),
    async actOnOffer(id, event, by) {
      const changed = await store.updateOffer(id, (offer) => {
        requireLive(offer, now());
        if (event === 'accept') refuse(offer.faults);
        return after(offer, event, { by, at: now().toISOString() });
      });
      return changed ?? unknownOffer(id);
    },
    async createFromOffer(id, by) {
      const offer = await liveOffer(deps, id);
      refuse(offer.faults);
      const mark = { by, at: now().toISOString() };
      const { document, renegotiates } = after(offer, 'agree', mark);
      const record = await create(document, by, renegotiates);
      // One that was rejected just now was made into an agreement all the same: that one can be rejected too.
      await store.updateOffer(id, (latest) =>
        latest.state === 'Acceptable' ? after(latest, 'agree', mark) : latest,
      );
      return record;
    },
  };
}

async function makeOffer(
  deps: NegotiationDeps,
  document: AgreementOffer,
  { by, answers, renegotiates, as }: AskedOffer,
): Promise<OfferView> {
  const parent = answers === undefined ? null : await liveOffer(deps, answers);
  const base = await findTemplate(deps.store, document.context.templateId ?? '');
  const present = renegotiates ?? parent?.renegotiates ?? null;
  const faults = [...checkOffer(document, base), ...(await againstPresent(deps, document, present))];
  const state = as ?? (faults.length === 0 ? 'Acceptable' : 'Rejected');
  const at = deps.now();
  const offer: OfferView = {
    ...{ id: deps.newId(), templateId: base.id, renegotiates: present, state, faults, document },
    ...placeOf(parent, state, at),
    history: [{ at: at.toISOString(), event: 'offer', by, state }],
    createdAt: at.toISOString(),
  };
  await deps.store.insertOffer(offer);
  return offer;
}

/** A counter-offer has the expiry of what it answers. */
function placeOf(
  parent: OfferView | null,
  state: OfferView['state'],
  at: Date,
): Pick<OfferView, 'parentId' | 'expiresAt'> {
  if (!parent)
    return { parentId: null, expiresAt: new Date(at.getTime() + offerDays * 86_400_000).toISOString() };
  if (!mayAnswer(parent.state, state))
    throw new AppError(
      'offer.conflict',
      `An offer that is ${parent.state} is not answered by one that is ${state}`,
    );
  return { parentId: parent.id, expiresAt: parent.expiresAt };
}

async function againstPresent(
  { store }: NegotiationDeps,
  document: OfferView['document'],
  id: string | null,
): Promise<OfferView['faults']> {
  if (id === null) return [];
  const present = await findAgreement(store, id);
  requireRenegotiable(present);
  return [...renegotiationFaults(document, present)];
}

async function liveOffer({ store, now }: NegotiationDeps, id: string): Promise<OfferView> {
  const offer = (await store.findOffer(id)) ?? unknownOffer(id);
  requireLive(offer, now());
  return offer;
}

function requireLive({ expiresAt }: OfferView, now: Date): void {
  if (Date.parse(expiresAt) <= now.getTime())
    throw new AppError('offer.expired', `It expired at ${expiresAt}`);
}

function unknownOffer(id: string): never {
  throw new AppError('offer.unknown', `There is no offer ${id}`);
}

function after(offer: OfferView, event: OfferEvent, { by, at }: { by: string; at: string }): OfferView {
  const state = transitionOffer(offer.state, event);
  if (typeof state !== 'string') throw new AppError('offer.conflict', state.reason);
  return { ...offer, state, history: [...offer.history, { at, event, by, state }] };
}
