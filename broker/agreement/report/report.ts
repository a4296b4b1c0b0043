import type { AgreementReport, AssessmentView, LedgerEntry, Obligated } from '@medusa/protocol';
import {
  countedEvents,
  errorBudget,
  formatMinor,
  proportionOf,
  type Guarantee,
  type IndicatorEvent,
  type Span,
} from '../evaluation/index.ts';
import { balance } from '../ledger.ts';
import type { AgreementRecord } from '../record.ts';

type ReportFacts = {
  readonly record: AgreementRecord;
  readonly span: Span;
  readonly generatedAt: string;
  readonly guarantees: readonly Guarantee[];
  /** Of windows that end in the span. */
  readonly assessments: readonly AssessmentView[];
  readonly ledger: readonly LedgerEntry[];
  /** Those that the assessments name. */
  readonly events: readonly IndicatorEvent[];
};

/** What one customer's agreement came to in one span: each figure with the ids of the events that it was made from. */
export function reportOf(facts: ReportFacts): AgreementReport {
  const { record, span, generatedAt, guarantees, assessments, ledger } = facts;
  const { initiator, responder, serviceProvider } = record.document.context;
  const [provider, customer] =
    serviceProvider === 'AgreementInitiator' ? [initiator, responder] : [responder, initiator];
  return {
    agreementId: record.id,
    customer,
    provider,
    from: new Date(span.fromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    generatedAt,
    guarantees: guarantees.map((guarantee) => guaranteeReport(guarantee, facts)),
    totals: Array.from(balance(ledger), ([key, minor]) => {
      const [debtor = '', currency = ''] = key.split(' ');
      return { debtor: debtor as Obligated, currency, amount: formatMinor(minor, currency) };
    }),
    entries: [...ledger],
    events: assessments.reduce((sum, { eventIds }) => sum + eventIds.length, 0),
  };
}

function guaranteeReport(guarantee: Guarantee, facts: ReportFacts): AgreementReport['guarantees'][number] {
  const { name, obligated } = guarantee.term;
  const own = facts.assessments.filter((assessment) => assessment.guarantee === name);
  const count = (state: AssessmentView['state']): number =>
    own.filter((assessment) => assessment.state === state).length;
  return {
    name,
    obligated,
    windows: {
      fulfilled: count('Fulfilled'),
      violated: count('Violated'),
      notDetermined: count('NotDetermined'),
    },
    budget: budgetOf(guarantee, own, facts.events),
    assessments: own.map(({ windowFrom, windowTo, state, figures, eventIds }) => ({
      ...{ windowFrom, windowTo, state, figures, eventIds },
    })),
  };
}

/** Of the events that these windows are made from; null when the objective has none. */
export function budgetOf(
  guarantee: Guarantee,
  own: readonly AssessmentView[],
  events: readonly IndicatorEvent[],
): AgreementReport['guarantees'][number]['budget'] {
  const proportion = proportionOf(guarantee.expression, guarantee.variables);
  const ids = new Set(own.flatMap(({ eventIds }) => eventIds));
  const judged = countedEvents(
    guarantee,
    events.filter(({ id, indicator }) => ids.has(id) && indicator === proportion?.indicator),
  );
  return (proportion && errorBudget(proportion, judged)) ?? null;
}
