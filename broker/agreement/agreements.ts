import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  type AgreedDocument,
  type AgreementAlert,
  type AgreementOffer,
  type AgreementReport,
  type AgreementStanding,
  type WindowEvents,
} from '@medusa/protocol';
import { evaluateClaimed, guaranteesOf } from './evaluate.ts';
import { windowAt } from './evaluation/index.ts';
import { verifyLedger, type LedgerVerdict } from './ledger.ts';
import { findAgreement, findTemplate, refuse, unknownAgreement } from './lookup.ts';
import { negotiationOf, type Negotiation } from './negotiating.ts';
import { checkOffer } from './negotiation.ts';
import type { AgreementRecord, AgreementStore } from './record.ts';
import { reportOf } from './report/report.ts';
import { requireRenegotiable } from './renegotiation.ts';
import { standingOf } from './report/standing.ts';
import { windowEventsOf } from './report/window-events.ts';
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
  'templates' | 'offers' | 'list' | 'record' | 'assessments' | 'latestVerdicts' | 'ledger' | 'alerts'
> &
  Negotiation & {
    readonly events: TypedEmitter<{ alerted: [alert: AgreementAlert] }>;
    /** A pending agreement of a document that names its template. Throws `offer.unfit`, with every item that fails. */
    create(document: AgreementOffer, by: string, supersedes?: string | null): Promise<AgreementRecord>;
    get(id: string): Promise<AgreementRecord>;
    /** The agreement that is in its place by now: itself, when none has superseded it. */
    inForce(id: string): Promise<AgreementRecord>;
    /** What is signed. Throws `agreement.conflict` when it was never accepted. */
    agreed(id: string): Promise<AgreedDocument>;
    /** Throws `agreement.conflict` when its state does not take it. To accept one that supersedes another ends the other with it. */
    act(id: string, act: AgreementAct, by: string): Promise<AgreementRecord>;
    /** Judges what has become due. Several brokers may do it at once: nothing is booked twice. */
    evaluateDue(): Promise<void>;
    verifyLedger(): Promise<LedgerVerdict>;
    /** @param month e.g. `2026-03`, in UTC. */
    report(id: string, month: string): Promise<AgreementReport>;
    /** Over this month of UTC and the one before. */
    standing(id: string): Promise<AgreementStanding>;
    /** Of the window that ends then: from its figures down to what was measured, and what of it did not count. */
    windowEvents(
      id: string,
      window: { readonly guarantee: string; readonly windowTo: string },
    ): Promise<WindowEvents>;
  };

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
    assessments: async (query) => store.assessments(query),
    latestVerdicts: async (ids) => store.latestVerdicts(ids),
    ledger: async (query) => store.ledger(query),
    alerts: async (query) => store.alerts(query),
    verifyLedger: async () => verifyLedger(store.ledgerLines()),
    report: async (id, month) => reportMonth(deps, await life.get(id), month),
    standing: async (id) => standingNow(deps, await life.get(id)),
    windowEvents: async (id, window) => windowEventsOf(store, await life.get(id), window),
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

type Life = Pick<Agreements, 'create' | 'get' | 'inForce' | 'agreed' | 'act'>;

function lifeOf({ store, now }: AgreementsDeps): Life {
  return {
    async create(document, by, supersedes = null) {
      const template = await findTemplate(store, document.context.templateId ?? '');
      refuse(checkOffer(document, template));
      const record = { ...pendingOf(document, { by, at: now().toISOString() }), supersedes };
      const isNew = !reservedIds.includes(record.id) && (await store.insert(record));
      if (!isNew) throw new AppError('agreement.conflict', `The id ${record.id} is taken`);
      return record;
    },
    get: async (id) => findAgreement(store, id),
    async inForce(id) {
      let record = await findAgreement(store, id);
      while (record.supersededBy !== null) record = await findAgreement(store, record.supersededBy);
      return record;
    },
    async agreed(id) {
      const { document, supersedes, history } = await findAgreement(store, id);
      const accepted = history.find(({ event }) => event === 'accept');
      if (!accepted) throw new AppError('agreement.conflict', 'It was not accepted: nothing is agreed upon');
      const { at: agreedAt, by: agreedBy } = accepted;
      return { agreementId: id, agreedAt, agreedBy, supersedes, document };
    },
    async act(id, act, by) {
      const mark = { by, at: now().toISOString() };
      const { supersedes } = (await store.find(id)) ?? { supersedes: null };
      const record =
        act.event === 'accept' && supersedes !== null
          ? await store.updateBoth([id, supersedes], (latest, old) => superseding(latest, old, mark))
          : await store.update(id, (latest) => acted(latest, act, mark));
      return record ?? unknownAgreement(id);
    },
  };
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
    supersedes: null,
    supersededBy: null,
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

/** Both at one instant: what happens before it counts for the old one, what happens from then on for the new one, and nothing for both. */
function superseding(
  record: AgreementRecord,
  old: AgreementRecord,
  mark: Mark,
): readonly [AgreementRecord, AgreementRecord] {
  requireRenegotiable(old);
  const ended = acted(old, { event: 'terminate' }, mark);
  return [acted(record, { event: 'accept' }, mark), { ...ended, supersededBy: record.id }];
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
