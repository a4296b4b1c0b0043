import type {
  AgreementAlert,
  AgreementTemplate,
  AgreementView,
  AssessmentView,
  LedgerEntry,
  OfferView,
} from '@medusa/protocol';
import type { IndicatorEvent, Span } from './evaluation/index.ts';
import type { NewLedgerEntry } from './ledger.ts';

/** An agreement as it is stored. */
export type AgreementRecord = Omit<AgreementView, 'occiState'>;

type EventQuery = { readonly indicators: readonly string[]; readonly span: Span };

/** One agreement while its claim is held: nobody else evaluates or changes it. All that is written is written together. */
export interface ClaimedAgreement {
  readonly record: AgreementRecord;
  /**
   * The time of the earliest event of these indicators that was not there when the agreement was evaluated last, also one that was
   * being written just then; `undefined`: nothing new.
   */
  earliestNews(indicators: readonly string[]): Promise<number | undefined>;
  events(query: EventQuery): Promise<readonly IndicatorEvent[]>;
  /** A window that is assessed again gets the next revision when it came out differently. */
  saveAssessments(assessments: readonly Omit<AssessmentView, 'revision'>[]): Promise<void>;
  /** Entries for windows that begin in the span, in order. */
  ledger(span: Span): Promise<readonly LedgerEntry[]>;
  append(entries: readonly NewLedgerEntry[]): Promise<void>;
  /** The same alert for the same window is raised once. Answers with the new ones. */
  raise(alerts: readonly AgreementAlert[]): Promise<readonly AgreementAlert[]>;
  save(record: AgreementRecord): Promise<void>;
}

type Verdict = Pick<AssessmentView, 'agreementId' | 'guarantee' | 'state'>;

type WindowQuery = { readonly agreementId: string; readonly span: Span; readonly limit: number };

/** Where agreements and what became of them are kept. Several brokers may use it at once. */
export interface AgreementStore {
  putTemplate(template: AgreementTemplate): Promise<void>;
  templates(): Promise<readonly AgreementTemplate[]>;
  findTemplate(id: string): Promise<AgreementTemplate | undefined>;
  insertOffer(offer: OfferView): Promise<void>;
  offers(): Promise<readonly OfferView[]>;
  findOffer(id: string): Promise<OfferView | undefined>;
  /** Reads, changes and writes as one; a throwing `change` writes nothing. `undefined`: there is no such offer. */
  updateOffer(id: string, change: (offer: OfferView) => OfferView): Promise<OfferView | undefined>;
  /** False when there is one of that id. */
  insert(record: AgreementRecord): Promise<boolean>;
  list(): Promise<readonly AgreementRecord[]>;
  find(id: string): Promise<AgreementRecord | undefined>;
  /** Reads, changes and writes as one; a throwing `change` writes nothing. `undefined`: there is no such agreement. */
  update(
    id: string,
    change: (record: AgreementRecord) => AgreementRecord,
  ): Promise<AgreementRecord | undefined>;
  /** The same for two at once: both are written, or none. `undefined`: one of them is not there. */
  updateBoth(
    ids: readonly [string, string],
    change: (first: AgreementRecord, second: AgreementRecord) => readonly [AgreementRecord, AgreementRecord],
  ): Promise<AgreementRecord | undefined>;
  /** How many of them were new. */
  record(events: readonly IndicatorEvent[]): Promise<number>;
  findEvents(ids: readonly string[]): Promise<readonly IndicatorEvent[]>;
  /** In order of time. */
  eventsIn(query: EventQuery): Promise<readonly IndicatorEvent[]>;
  /** Runs under the agreement's claim, in one transaction; `undefined` when somebody else holds it or it is not there. */
  claimed<Value>(
    id: string,
    work: (agreement: ClaimedAgreement) => Promise<Value>,
  ): Promise<Value | undefined>;
  /** Of agreements that are pending or observed. */
  liveIds(): Promise<readonly string[]>;
  assessments(query: WindowQuery): Promise<readonly AssessmentView[]>;
  /** Of each guarantee the window that was judged last. */
  latestVerdicts(ids: readonly string[]): Promise<readonly Verdict[]>;
  /** Entries for windows that end in the span, in order. */
  ledger(query: WindowQuery): Promise<readonly LedgerEntry[]>;
  /** The whole ledger, in order. */
  ledgerLines(): AsyncIterable<LedgerEntry>;
  /** Latest first. */
  alerts(query: { readonly agreementId: string; readonly limit: number }): Promise<readonly AgreementAlert[]>;
}
