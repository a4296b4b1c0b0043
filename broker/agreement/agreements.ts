import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  type AgreementAlert,
  type AgreementOffer,
  type AgreementReport,
  type AgreementStanding,
  type AgreementTemplate,
  type OfferView,
} from '@medusa/protocol';
import { evaluateClaimed, guaranteesOf } from './evaluate.ts';
import { windowAt } from './evaluation/index.ts';
import { verifyLedger, type LedgerVerdict } from './ledger.ts';
import { checkOffer, checkTerms, type OfferFault } from './negotiation.ts';
import type { AgreementRecord, AgreementStore } from './record.ts';
import { reportOf } from './report/report.ts';
import { standingOf } from './report/standing.ts';
import { transition, type AgreementEvent } from './states.ts';

type AgreementsDeps = {
  readonly store: AgreementStore;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly report: (error: unknown) => void;
};

/** What a party may do with an agreement. */
type AgreementAct =
  | { readonly event: 'accept' | 'reject' | 'suspend' | 'resume' }
  /** Now, or at an instant until which it is observed. */
  | { readonly event: 'terminate'; readonly at?: string | undefined };

/** The use cases around agreements: templates, negotiation, the life of an agreement, indicators, and what time brings. */
export type Agreements = Pick<
  AgreementStore,
  | 'templates'
  | 'offers'
  | 'list'
  | 'record'
  | 'findEvents'
  | 'assessments'
  | 'latestVerdicts'
  | 'ledger'
  | 'alerts'
> & {
  readonly events: TypedEmitter<{ alerted: [alert: AgreementAlert] }>;
  /** Throws `offer.unfit` when its terms could never be agreed upon. */
  putTemplate(template: AgreementTemplate): Promise<void>;
  /** Throws `template.unknown`. */
  template(id: string): Promise<AgreementTemplate>;
  /** Checks and keeps an offer that binds nobody (GFD.193). One that answers another keeps its expiry. */
  offer(document: AgreementOffer, parentId: string | undefined): Promise<OfferView>;
  /** What would keep it from being kept, or from being agreed upon. Changes nothing. */
  check(document: AgreementTemplate | AgreementOffer): Promise<readonly OfferFault[]>;
  /** A pending agreement of an offer that is acceptable still. Throws `offer.expired`, `offer.unfit`. */
  createFromOffer(offerId: string, by: string): Promise<AgreementRecord>;
  /** A pending agreement of a document that names its template. Throws `offer.unfit`, with every item that fails. */
  create(document: AgreementOffer, by: string): Promise<AgreementRecord>;
  get(id: string): Promise<AgreementRecord>;
  /** Throws `agreement.conflict` when its state does not take it. */
  act(id: string, act: AgreementAct, by: string): Promise<AgreementRecord>;
  /** Judges what has become due. Several brokers may do it at once: nothing is booked twice. */
  evaluateDue(): Promise<void>;
  verifyLedger(): Promise<LedgerVerdict>;
  /** @param month e.g. `2026-03`, in UTC. */
  report(id: string, month: string): Promise<AgreementReport>;
  /** Over this month of UTC and the one before. */
  standing(id: string): Promise<AgreementStanding>;
};

const offerDays = 30;
/** Words that addresses of the interface use themselves. */
const reservedIds = ['templates', 'offers', 'ledger', 'indicators'];

export function openAgreements(deps: AgreementsDeps): Agreements {
  const { store, now, report } = deps;
  const events = new TypedEmitter<{ alerted: [alert: AgreementAlert] }>(report);
  const life = lifeOf(deps);
  return {
    events,
    templates: async () => store.templates(),
    offers: async () => store.offers(),
    list: async () => store.list(),
    record: async (told) => store.record(told),
    findEvents: async (ids) => store.findEvents(ids),
    assessments: async (query) => store.assessments(query),
    latestVerdicts: async (ids) => store.latestVerdicts(ids),
    ledger: async (query) => store.ledger(query),
    alerts: async (query) => store.alerts(query),
    verifyLedger: async () => verifyLedger(store.ledgerLines()),
    report: async (id, month) => reportMonth(deps, await life.get(id), month),
    standing: async (id) => standingNow(deps, await life.get(id)),
    ...negotiationOf(deps, life.create),
    ...life,
    async evaluateDue() {
      const at = now();
      for (const id of await store.liveIds())
        try {
          const alerts = await store.claimed(id, async (claim) =>
            evaluateClaimed(claim, overdue(claim.record, at), at.getTime()),
          );
          for (const alert of alerts ?? []) events.emit('alerted', alert);
        } catch (error) {
          report(error);
        }
    },
  };
}

/** More than a month of windows of a quarter of an hour, for thirty guarantees. */
const mostLines = 100_000;

async function reportMonth(
  { store, now }: AgreementsDeps,
  record: AgreementRecord,
  month: string,
): Promise<AgreementReport> {
  const span = windowAt({ kind: 'months', amount: 1 }, Date.parse(`${month}-01T00:00:00Z`));
  const query = { agreementId: record.id, span, limit: mostLines };
  const assessments = await store.assessments(query);
  return reportOf({
    ...{ record, span, assessments },
    generatedAt: now().toISOString(),
    guarantees: guaranteesOf(record),
    ledger: await store.ledger(query),
    events: await store.findEvents([...new Set(assessments.flatMap(({ eventIds }) => eventIds))]),
  });
}

async function standingNow(
  { store, now }: AgreementsDeps,
  record: AgreementRecord,
): Promise<AgreementStanding> {
  const toMs = now().getTime();
  const month = windowAt({ kind: 'months', amount: 1 }, toMs);
  const before = windowAt({ kind: 'months', amount: 1 }, month.fromMs - 1);
  const span = { fromMs: before.fromMs, toMs };
  const assessments = await store.assessments({ agreementId: record.id, span, limit: mostLines });
  const inMonth = assessments.filter(({ windowTo }) => Date.parse(windowTo) > month.fromMs);
  const events = await store.findEvents([...new Set(inMonth.flatMap(({ eventIds }) => eventIds))]);
  const guarantees = guaranteesOf(record);
  return { guarantees: standingOf({ guarantees, assessments, monthMs: month.fromMs, events }) };
}

type Negotiation = Pick<Agreements, 'putTemplate' | 'template' | 'offer' | 'check' | 'createFromOffer'>;

function negotiationOf({ store, now, newId }: AgreementsDeps, create: Agreements['create']): Negotiation {
  const template = async (id: string): Promise<AgreementTemplate> => findTemplate(store, id);
  const liveOffer = async (id: string): Promise<OfferView> => {
    const offer = await store.findOffer(id);
    if (!offer) throw new AppError('offer.unknown', `There is no offer ${id}`);
    if (Date.parse(offer.expiresAt) <= now().getTime())
      throw new AppError('offer.expired', `It expired at ${offer.expiresAt}`);
    return offer;
  };
  return {
    template,
    async check(document) {
      if ('creationConstraints' in document) return checkTerms(document.terms);
      const base = await store.findTemplate(document.context.templateId ?? '');
      if (base) return checkOffer(document, base);
      return [{ item: 'templateId', reason: 'There is no such template; the context names one' }];
    },
    async putTemplate(given) {
      refuse(checkTerms(given.terms));
      await store.putTemplate(given);
    },
    async offer(document, parentId) {
      const parent = parentId === undefined ? undefined : await liveOffer(parentId);
      const base = await template(document.context.templateId ?? '');
      const faults = checkOffer(document, base);
      const createdAt = now();
      const offer: OfferView = {
        id: newId(),
        parentId: parent?.id ?? null,
        templateId: base.id,
        state: faults.length === 0 ? 'Acceptable' : 'Rejected',
        faults: [...faults],
        expiresAt: parent?.expiresAt ?? new Date(createdAt.getTime() + offerDays * 86_400_000).toISOString(),
        createdAt: createdAt.toISOString(),
        document,
      };
      await store.insertOffer(offer);
      return offer;
    },
    async createFromOffer(offerId, by) {
      const { document } = await liveOffer(offerId);
      return create(document, by);
    },
  };
}

type Life = Pick<Agreements, 'create' | 'get' | 'act'>;

function lifeOf({ store, now }: AgreementsDeps): Life {
  return {
    async create(document, by) {
      const template = await findTemplate(store, document.context.templateId ?? '');
      refuse(checkOffer(document, template));
      const record = pendingOf(document, { by, at: now().toISOString() });
      const isNew = !reservedIds.includes(record.id) && (await store.insert(record));
      if (!isNew) throw new AppError('agreement.conflict', `The id ${record.id} is taken`);
      return record;
    },
    async get(id) {
      const record = await store.find(id);
      if (!record) throw unknownAgreement(id);
      return record;
    },
    async act(id, act, by) {
      const record = await store.update(id, (latest) => acted(latest, act, { by, at: now().toISOString() }));
      if (!record) throw unknownAgreement(id);
      return record;
    },
  };
}

async function findTemplate(store: AgreementStore, id: string): Promise<AgreementTemplate> {
  const template = await store.findTemplate(id);
  if (!template)
    throw new AppError('template.unknown', `There is no template "${id}"; the context names one`);
  return template;
}

function unknownAgreement(id: string): AppError {
  return new AppError('agreement.unknown', `There is no agreement ${id}`);
}

function refuse(faults: readonly OfferFault[]): void {
  if (faults.length === 0) return;
  const errors = faults.map(({ item, reason }) => ({ pointer: item, message: reason }));
  throw new AppError('offer.unfit', `${faults.length} items do not fit`, { errors });
}

type Mark = { readonly by: string; readonly at: string };

function pendingOf(document: AgreementOffer, { by, at }: Mark): AgreementRecord {
  return {
    id: document.id,
    state: 'Pending',
    suspension: 'none',
    templateId: document.context.templateId ?? null,
    createdAt: at,
    observedAt: null,
    endedAt: null,
    terminateAt: null,
    suspensions: [],
    evaluatedUntil: null,
    history: [{ at, event: 'create', by, state: 'Pending' }],
    document,
  };
}

function acted(record: AgreementRecord, act: AgreementAct, mark: Mark): AgreementRecord {
  const expiry = record.document.context.expirationTime;
  const isExpired = expiry !== undefined && Date.parse(expiry) <= Date.parse(mark.at);
  if (act.event === 'accept' && isExpired) throw new AppError('offer.expired', `It expired at ${expiry}`);
  if (act.event !== 'terminate') return step(record, act.event, mark);
  const asked = record.terminateAt === null ? step(record, 'request-termination', mark) : record;
  const terminateAt = act.at ?? mark.at;
  return Date.parse(terminateAt) > Date.parse(mark.at)
    ? { ...asked, terminateAt }
    : step({ ...asked, terminateAt }, 'terminate', mark);
}

/** What time alone brings: expiry, and a termination that was announced. */
function overdue(record: AgreementRecord, now: Date): AgreementRecord {
  const isPast = (at: string | null | undefined): boolean =>
    at !== null && at !== undefined && Date.parse(at) <= now.getTime();
  const event = isPast(record.terminateAt)
    ? 'terminate'
    : isPast(record.document.context.expirationTime)
      ? 'expire'
      : undefined;
  const at = event === 'terminate' ? record.terminateAt : record.document.context.expirationTime;
  if (event === undefined || 'kind' in transition(record, event)) return record;
  return step(record, event, { by: 'Medusa broker', at: new Date(at ?? now).toISOString() });
}

/** The record after an event of WS-Agreement; throws `agreement.conflict` when its state does not take it. */
function step(record: AgreementRecord, event: AgreementEvent, { by, at }: Mark): AgreementRecord {
  const next = transition(record, event);
  if ('kind' in next) throw new AppError('agreement.conflict', next.reason);
  const { state, suspension } = next;
  const isEnd = state === 'Complete' || state === 'Terminated' || state === 'Rejected';
  return {
    ...record,
    state,
    suspension,
    observedAt: event === 'accept' ? at : record.observedAt,
    endedAt: isEnd ? at : record.endedAt,
    suspensions: suspensionsAfter(record, event, at),
    history: [...record.history, { at, event, by, state }],
  };
}

function suspensionsAfter(
  { suspensions }: AgreementRecord,
  event: AgreementEvent,
  at: string,
): AgreementRecord['suspensions'] {
  if (event === 'suspend') return [...suspensions, { from: at, to: null }];
  if (event !== 'resume') return suspensions;
  return suspensions.map((suspension) => (suspension.to === null ? { ...suspension, to: at } : suspension));
}
