import {
  agreedDocumentSchema,
  agreementAlertSchema,
  agreementCheckSchema,
  agreementReportSchema,
  agreementStandingSchema,
  agreementTemplateSchema,
  agreementViewSchema,
  ledgerEntrySchema,
  offerViewSchema,
  parseInput,
  signedAgreementSchema,
  windowEventsSchema,
  type AgreementAlert,
  type AgreementCheck,
  type AgreementStanding,
  type AgreementTemplate,
  type AgreementView,
  type LedgerEntry,
  type OfferView,
  type WindowEvents,
} from '@medusa/protocol';
import { z } from 'zod';
import { isSigned, jwksSchema, type Jwks } from './report-signature.ts';
import { documentCall, type DocumentCalls } from './document.ts';

const listSchema = z.object({ agreements: z.array(agreementViewSchema) });
const templatesSchema = z.object({ templates: z.array(agreementTemplateSchema) });
const offersSchema = z.object({ offers: z.array(offerViewSchema) });
const ledgerSchema = z.object({ entries: z.array(ledgerEntrySchema) });
const alertsSchema = z.object({ alerts: z.array(agreementAlertSchema) });
const verificationSchema = z.object({
  kind: z.enum(['intact', 'broken']),
  lines: z.int().optional(),
  sequence: z.int().optional(),
  reason: z.string().optional(),
});
export type LedgerVerification = z.infer<typeof verificationSchema>;
export type OfferAct = 'solicit' | 'accept' | 'reject';
type SignedAgreement = z.infer<typeof signedAgreementSchema>;
const signedReportSchema = z.object({ report: agreementReportSchema, signature: z.string() });
export type SignedReport = z.infer<typeof signedReportSchema>;

export type AgreementAct = { readonly event: 'accept' | 'reject' | 'suspend' | 'resume' | 'terminate' };
export type AgreementDocumentKind = 'agreement' | 'offer' | 'template';

const targets: Readonly<Record<AgreementDocumentKind, string>> = {
  agreement: '/api/agreements',
  offer: '/api/agreements/offers',
  template: '/api/agreements/templates',
};

/** Agreements and what became of them. For administrators. */
export class AgreementApi {
  readonly #calls: DocumentCalls;

  constructor(calls: DocumentCalls) {
    this.#calls = calls;
  }

  async list(signal?: AbortSignal): Promise<readonly AgreementView[]> {
    return parseInput(listSchema, await this.#calls.call('/api/agreements', { signal })).agreements;
  }

  async templates(signal?: AbortSignal): Promise<readonly AgreementTemplate[]> {
    const path = '/api/agreements/templates';
    return parseInput(templatesSchema, await this.#calls.call(path, { signal })).templates;
  }

  async offers(signal?: AbortSignal): Promise<readonly OfferView[]> {
    return parseInput(offersSchema, await this.#calls.call('/api/agreements/offers', { signal })).offers;
  }

  async agreeTo(offerId: string): Promise<AgreementView> {
    const path = `/api/agreements/offers/${encodeURIComponent(offerId)}/agreement`;
    return parseInput(agreementViewSchema, await this.#calls.call(path, { method: 'POST' }));
  }

  async standing(id: string, signal?: AbortSignal): Promise<AgreementStanding> {
    return parseInput(agreementStandingSchema, await this.#calls.call(pathOf(id, 'standing'), { signal }));
  }

  async alerts(id: string, signal?: AbortSignal): Promise<readonly AgreementAlert[]> {
    return parseInput(alertsSchema, await this.#calls.call(pathOf(id, 'alerts'), { signal })).alerts;
  }

  async ledger(id: string, signal?: AbortSignal): Promise<readonly LedgerEntry[]> {
    const path = pathOf(id, 'ledger?limit=10000');
    return parseInput(ledgerSchema, await this.#calls.call(path, { signal })).entries;
  }

  async actOnOffer(id: string, event: OfferAct): Promise<OfferView> {
    const path = `/api/agreements/offers/${encodeURIComponent(id)}/acts`;
    return parseInput(offerViewSchema, await this.#calls.call(path, { method: 'POST', body: { event } }));
  }

  /** Of the ledger of all agreements. */
  async verifyLedger(): Promise<LedgerVerification> {
    return parseInput(verificationSchema, await this.#calls.call('/api/agreements/ledger/verification', {}));
  }

  async act(id: string, act: AgreementAct): Promise<AgreementView> {
    const answer = await this.#calls.call(pathOf(id, 'acts'), { method: 'POST', body: act });
    return parseInput(agreementViewSchema, answer);
  }

  /** @param month e.g. `2026-03`, in UTC. */
  async report(id: string, month: string, signal?: AbortSignal): Promise<SignedReport> {
    const path = pathOf(id, `report?month=${month}`);
    return parseInput(signedReportSchema, await this.#calls.call(path, { signal }));
  }

  /** Whether the broker's keys made the signature, and of this report. */
  async isSigned({ report, signature }: SignedReport, signal?: AbortSignal): Promise<boolean> {
    return isSigned(agreementReportSchema, { document: report, signature }, await this.#keys(signal));
  }

  /** What was agreed upon, as it is signed, and whether the broker's keys made the signature, and of that. */
  async agreed(id: string, signal?: AbortSignal): Promise<SignedAgreement & { readonly isGood: boolean }> {
    const signed = parseInput(
      signedAgreementSchema,
      await this.#calls.call(pathOf(id, 'signature'), { signal }),
    );
    const { agreement: document, signature } = signed;
    const isGood = await isSigned(agreedDocumentSchema, { document, signature }, await this.#keys(signal));
    return { ...signed, isGood };
  }

  async #keys(signal?: AbortSignal): Promise<Jwks> {
    return parseInput(jwksSchema, await this.#calls.call('/api/jwks.json', { signal }));
  }

  async downloadReport(id: string, month: string, form: 'pdf' | 'json'): Promise<Blob> {
    return this.#calls.load(pathOf(id, `report?month=${month}`), `application/${form}`);
  }

  /** What the figures of the window that ends then were made from, and what was left out of it. */
  async events(
    id: string,
    window: { readonly guarantee: string; readonly windowTo: string },
    signal?: AbortSignal,
  ): Promise<WindowEvents> {
    const { guarantee, windowTo } = window;
    const query = `windowTo=${encodeURIComponent(windowTo)}`;
    const path = pathOf(id, `guarantees/${encodeURIComponent(guarantee)}/events?${query}`);
    return parseInput(windowEventsSchema, await this.#calls.call(path, { signal }));
  }

  /** As it would be submitted. */
  async text(kind: 'agreement' | 'template', id: string): Promise<string> {
    return (await this.#calls.load(`${targets[kind]}/${encodeURIComponent(id)}`, 'application/xml')).text();
  }

  /** Changes nothing. */
  async check(text: string, kind: AgreementDocumentKind, signal?: AbortSignal): Promise<AgreementCheck> {
    const path = `/api/agreements/check?as=${kind === 'template' ? 'template' : 'offer'}`;
    return parseInput(agreementCheckSchema, await this.#calls.call(path, { ...documentCall(text), signal }));
  }

  /** Keeps a template, makes an offer, or a pending agreement. */
  async submit(text: string, kind: AgreementDocumentKind): Promise<void> {
    await this.#calls.call(targets[kind], documentCall(text));
  }
}

function pathOf(id: string, rest: string): string {
  return `/api/agreements/${encodeURIComponent(id)}/${rest}`;
}
