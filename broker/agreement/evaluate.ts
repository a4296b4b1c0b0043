import type { AgreementAlert, AssessmentView, LedgerEntry } from '@medusa/protocol';
import {
  assess,
  burnHorizonMs,
  countedEvents,
  dueWindows,
  findBurnAlert,
  lengthMs,
  overlap,
  prepareGuarantee,
  proportionOf,
  settle,
  windowAt,
  type Booking,
  type Guarantee,
  type IndicatorEvent,
  type Span,
} from './evaluation/index.ts';
import { correct, type NewLedgerEntry } from './ledger.ts';
import { leavesOf } from './negotiation.ts';
import type { AgreementRecord, ClaimedAgreement } from './record.ts';
import { isObserved } from './states.ts';

/** The guarantees of an agreement, ready to be judged. */
export function guaranteesOf({ document }: Pick<AgreementRecord, 'document'>): readonly Guarantee[] {
  const leaves = leavesOf(document.terms);
  const variables = new Map(
    leaves.flatMap((leaf) =>
      leaf.kind === 'ServiceProperties'
        ? leaf.variables.map(({ name, metric }) => [name, metric] as const)
        : [],
    ),
  );
  return leaves.flatMap((leaf) =>
    leaf.kind === 'GuaranteeTerm' ? (prepareGuarantee(leaf, variables) ?? []) : [],
  );
}

/** When it was observed and not suspended. Nothing that happens outside counts for anybody. */
export function activeSpans({ observedAt, endedAt, suspensions }: AgreementRecord): readonly Span[] {
  if (observedAt === null) return [];
  const toMs = endedAt === null ? Infinity : Date.parse(endedAt);
  let fromMs = Date.parse(observedAt);
  const spans: Span[] = [];
  for (const { from, to } of suspensions) {
    spans.push({ fromMs, toMs: Math.min(Date.parse(from), toMs) });
    fromMs = to === null ? Infinity : Date.parse(to);
  }
  return [...spans, { fromMs, toMs }].filter((span) => span.fromMs < span.toMs);
}

/**
 * Judges what has become due or was told late, and writes states, ledger and alerts. Evaluating again changes nothing: what is owed for
 * a window is compared with what stands in the ledger.
 * @param record as it is to be saved.
 */
export async function evaluateClaimed(
  claim: ClaimedAgreement,
  record: AgreementRecord,
  nowMs: number,
): Promise<readonly AgreementAlert[]> {
  if (record.observedAt === null) {
    await claim.save(record);
    return [];
  }
  const guarantees = guaranteesOf(record);
  const news = await claim.earliestNews(guarantees.flatMap(({ indicators }) => [...indicators]));
  const before = Date.parse(record.evaluatedUntil ?? record.observedAt);
  const late = Math.max(news ?? before, nowMs - lateHorizonMs);
  const sinceMs = Math.max(Math.min(before, late), Date.parse(record.observedAt) - 1);
  const alerts: AgreementAlert[] = [];
  const facts = { claim, record, nowMs, sinceMs, isNews: news !== undefined };
  for (const guarantee of guarantees) alerts.push(...(await evaluateGuarantee(guarantee, facts)));
  await claim.save({ ...record, evaluatedUntil: isoOf(nowMs) });
  return claim.raise(alerts);
}

/** What is told later than this opens no window again: a month's bill becomes final. */
const lateHorizonMs = 62 * 86_400_000;

type Facts = {
  readonly claim: ClaimedAgreement;
  readonly record: AgreementRecord;
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly isNews: boolean;
};

async function evaluateGuarantee(guarantee: Guarantee, facts: Facts): Promise<readonly AgreementAlert[]> {
  const { claim, record, nowMs, sinceMs, isNews } = facts;
  const { endedAt } = record;
  const due = { fromMs: sinceMs, toMs: nowMs };
  const endMs = endedAt === null ? Infinity : Date.parse(endedAt);
  const windows = dueWindows(guarantee.window, due, endMs);
  const settlements = dueWindows(guarantee.settlement, due, endMs);
  if (windows.length === 0 && settlements.length === 0 && !isNews) return [];
  const span = { fromMs: firstOf(guarantee, { windows, settlements, nowMs }), toMs: nowMs + 1 };
  const events = countedEvents(
    guarantee,
    await claim.events({ indicators: [...guarantee.indicators], span }),
  );
  const active = activeSpans(record);
  const assessments = windows.map((window) =>
    viewOf(guarantee, record, assess(guarantee, window, { events, active })),
  );
  await claim.saveAssessments(assessments);
  await book(claim, nowMs, {
    guarantee: guarantee.term.name,
    settlements,
    bookings: settlements.flatMap((window) => settle(guarantee, window, { events, active })),
  });
  return [
    ...assessments.filter(({ state }) => state === 'Violated').map((view) => violation(view, nowMs)),
    ...burnAlerts(guarantee, { record, events, active, nowMs }),
  ];
}

/** The first event that may matter: sub-intervals of a settlement may begin before it. */
function firstOf(
  { settlement }: Guarantee,
  { windows, settlements, nowMs }: { windows: readonly Span[]; settlements: readonly Span[]; nowMs: number },
): number {
  const starts = [
    ...windows,
    ...settlements.map(({ fromMs }) => ({ fromMs: fromMs - lengthMs(settlement) })),
  ];
  return Math.min(nowMs - burnHorizonMs, ...starts.map(({ fromMs }) => fromMs));
}

type Outcome = {
  readonly guarantee: string;
  readonly settlements: readonly Span[];
  readonly bookings: readonly Booking[];
};

async function book(
  claim: ClaimedAgreement,
  nowMs: number,
  { guarantee, settlements, bookings }: Outcome,
): Promise<void> {
  const [first] = settlements;
  const last = settlements.at(-1);
  if (!first || !last) return;
  const standing = await claim.ledger({ fromMs: first.fromMs, toMs: last.toMs });
  const entries = settlements.flatMap((window) =>
    (['penalty', 'reward'] as const).flatMap((purpose): readonly NewLedgerEntry[] => {
      const windowFrom = isoOf(window.fromMs);
      const windowTo = isoOf(window.toMs);
      const isHere = (entry: LedgerEntry): boolean =>
        entry.guarantee === guarantee &&
        entry.purpose === purpose &&
        entry.windowFrom === windowFrom &&
        entry.windowTo === windowTo;
      const place = {
        at: isoOf(nowMs),
        agreementId: claim.record.id,
        guarantee,
        purpose,
        windowFrom,
        windowTo,
      };
      const owed = bookings.find(
        ({ kind, window: { fromMs } }) => kind === purpose && fromMs === window.fromMs,
      );
      return correct(place, standing.filter(isHere), owed && owedOf(owed));
    }),
  );
  await claim.append(entries);
}

function owedOf({ debtor, minor, currency, reason }: Booking): Parameters<typeof correct>[2] {
  return { debtor, amountMinor: minor.toString(), currency, reason };
}

function viewOf(
  { term }: Guarantee,
  { id: agreementId }: AgreementRecord,
  { window, state, figures, eventIds }: ReturnType<typeof assess>,
): Omit<AssessmentView, 'revision'> {
  return {
    agreementId,
    guarantee: term.name,
    windowFrom: isoOf(window.fromMs),
    windowTo: isoOf(window.toMs),
    state,
    figures: [...figures],
    eventIds: [...eventIds],
  };
}

/** Four digits that mean something. */
function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function violation(view: Omit<AssessmentView, 'revision'>, nowMs: number): AgreementAlert {
  const { agreementId, guarantee, windowFrom, figures } = view;
  const found = figures
    .map(
      ({ name, value, samples }) => `${name} = ${value === null ? 'unknown' : short(value)}, n = ${samples}`,
    )
    .join('; ');
  const text = `${guarantee} is violated: ${found}`;
  return { agreementId, guarantee, kind: 'violated', windowFrom, at: isoOf(nowMs), text };
}

type Burning = {
  readonly record: AgreementRecord;
  readonly events: readonly IndicatorEvent[];
  readonly active: readonly Span[];
  readonly nowMs: number;
};

/** At most one an hour for one severity. */
function burnAlerts({ term, expression, variables }: Guarantee, burning: Burning): readonly AgreementAlert[] {
  const { record, events, active, nowMs } = burning;
  const proportion = proportionOf(expression, variables);
  if (!proportion || !isObserved(record.state)) return [];
  const recent = events.filter(
    ({ atMs, indicator }) =>
      indicator === proportion.indicator &&
      active.some((span) => overlap(span, { fromMs: atMs, toMs: atMs + 1 })),
  );
  const { minimumSamples } = term.assessment;
  const alert = findBurnAlert(proportion, recent, {
    nowMs,
    minimumSamples: Math.max(minimumSamples, fewestForBurn),
  });
  if (!alert) return [];
  const hour = windowAt({ kind: 'time', amount: 3_600_000 }, nowMs);
  const text = `${term.name} uses up its error budget ${alert.burnRate.toFixed(1)} times too fast (${alert.rule})`;
  const facts = {
    agreementId: record.id,
    guarantee: term.name,
    windowFrom: isoOf(hour.fromMs),
    at: isoOf(nowMs),
    text,
  };
  return [{ ...facts, kind: alert.severity }];
}

/** One failure of a handful of sessions is no trend. */
const fewestForBurn = 20;

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
