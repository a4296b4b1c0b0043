import { z } from 'zod';
import { guaranteeStateSchema, indicatorEventSchema, obligatedSchema } from './agreement.ts';
import { instantSchema } from './ids.ts';

export const figureSchema = z.object({
  name: z.string(),
  value: z.number().nullable(),
  low: z.number().optional(),
  high: z.number().optional(),
  samples: z.int(),
});

/** How a guarantee did in one window. */
export const assessmentViewSchema = z.object({
  agreementId: z.string(),
  guarantee: z.string(),
  windowFrom: instantSchema,
  windowTo: instantSchema,
  state: guaranteeStateSchema,
  figures: z.array(figureSchema),
  eventIds: z.array(z.string()),
  /** How often late events changed it. */
  revision: z.int(),
});
export type AssessmentView = z.infer<typeof assessmentViewSchema>;

/** From a figure of one window down to what it was made from, and what of its indicators and scope was not counted. */
export const windowEventsSchema = z.object({
  events: z.array(indicatorEventSchema),
  leftOut: z.array(
    z.object({
      /**
       * `unqualified`: its qualifying condition does not hold; `untold`: the event does not tell whether it holds; `inactive`: the
       * agreement was not observed, or was suspended.
       */
      reason: z.enum(['unqualified', 'untold', 'inactive']),
      events: z.int().min(1),
    }),
  ),
});
export type WindowEvents = z.infer<typeof windowEventsSchema>;

/** One line of the ledger. Append-only; each line carries the hash of the one before. */
export const ledgerEntrySchema = z.object({
  sequence: z.int(),
  at: instantSchema,
  agreementId: z.string(),
  guarantee: z.string(),
  purpose: z.enum(['penalty', 'reward']),
  kind: z.enum(['booking', 'reversal']),
  /** The line that a reversal takes back. */
  reverses: z.int().nullable(),
  revision: z.int(),
  windowFrom: instantSchema,
  windowTo: instantSchema,
  /** Who owes it to the other. */
  debtor: obligatedSchema,
  /** Whole minor units of the currency (ISO 4217), signed. */
  amountMinor: z.string().regex(/^-?\d{1,30}$/),
  currency: z.string(),
  reason: z.string(),
  hash: z.string(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

export const agreementAlertSchema = z.object({
  agreementId: z.string(),
  guarantee: z.string(),
  kind: z.enum(['violated', 'page', 'ticket']),
  windowFrom: instantSchema,
  at: instantSchema,
  text: z.string(),
});
export type AgreementAlert = z.infer<typeof agreementAlertSchema>;

/** What one agreement came to in one span. */
export const agreementReportSchema = z.object({
  agreementId: z.string(),
  customer: z.string(),
  provider: z.string(),
  from: instantSchema,
  to: instantSchema,
  generatedAt: instantSchema,
  guarantees: z.array(
    z.object({
      name: z.string(),
      obligated: obligatedSchema,
      windows: z.object({ fulfilled: z.int(), violated: z.int(), notDetermined: z.int() }),
      /** Of a guarantee that a part of the events be good: how many bad ones were allowed, and were there. */
      budget: z.object({ allowed: z.number(), used: z.number(), left: z.number() }).nullable(),
      assessments: z.array(assessmentViewSchema.omit({ agreementId: true, guarantee: true, revision: true })),
    }),
  ),
  /** What each owes the other, as a decimal amount. */
  totals: z.array(z.object({ debtor: obligatedSchema, currency: z.string(), amount: z.string() })),
  entries: z.array(ledgerEntrySchema),
  /** How many events the figures are made from. */
  events: z.int(),
});
export type AgreementReport = z.infer<typeof agreementReportSchema>;

/** What keeps a document from being kept or offered. `pointer` names the part; lines and columns count from 1, null where there are none. */
export const agreementCheckSchema = z.object({
  problems: z.array(
    z.object({
      pointer: z.string(),
      line: z.int().nullable(),
      column: z.int().nullable(),
      message: z.string(),
    }),
  ),
});
export type AgreementCheck = z.infer<typeof agreementCheckSchema>;

/** How each guarantee of an agreement stands now. */
export const agreementStandingSchema = z.object({
  guarantees: z.array(
    z.object({
      name: z.string(),
      /** The part of the events that has to be good, between 0 and 1; null when the objective is of another form. */
      target: z.number().nullable(),
      /** Of this month of UTC. */
      budget: z.object({ allowed: z.number(), used: z.number(), left: z.number() }).nullable(),
      /** The latest windows that have been judged, in order. */
      windows: z.array(assessmentViewSchema.omit({ agreementId: true, guarantee: true, eventIds: true })),
    }),
  ),
});
export type AgreementStanding = z.infer<typeof agreementStandingSchema>;
