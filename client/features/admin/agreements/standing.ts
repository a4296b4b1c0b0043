import type {
  AgreementOffer,
  AgreementStanding,
  AgreementTemplate,
  AgreementView,
  GuaranteeState,
  GuaranteeTerm,
  LedgerEntry,
  Term,
} from '@medusa/protocol';

export type GuaranteeStanding = AgreementStanding['guarantees'][number];
export type JudgedWindow = GuaranteeStanding['windows'][number];
type Figure = JudgedWindow['figures'][number];

/** All guarantees of a document, wherever they lie in it. */
export function guaranteeTermsOf(term: Term): readonly GuaranteeTerm[] {
  if ('terms' in term) return term.terms.flatMap(guaranteeTermsOf);
  return term.kind === 'GuaranteeTerm' ? [term] : [];
}

export function customerOf({ context }: Pick<AgreementOffer, 'context'>): string {
  return context.serviceProvider === 'AgreementInitiator' ? context.responder : context.initiator;
}

/** As its latest window was judged; before the first one nothing is determined. */
export function stateOf({ windows }: Pick<GuaranteeStanding, 'windows'>): GuaranteeState {
  return windows.at(-1)?.state ?? 'NotDetermined';
}

const badness: readonly GuaranteeState[] = ['Fulfilled', 'NotDetermined', 'Violated'];

/** The guarantee that an administrator should look at first, and the least that is left of an error budget. */
export function worstOf(guarantees: readonly GuaranteeStanding[]): {
  readonly worst: GuaranteeStanding | undefined;
  readonly budgetLeft: number | null;
} {
  const rank = (guarantee: GuaranteeStanding): number => badness.indexOf(stateOf(guarantee));
  const left = guarantees.flatMap(({ budget }) => (budget ? [budget.left] : []));
  return {
    worst: guarantees.toSorted((a, b) => rank(b) - rank(a))[0],
    budgetLeft: left.length === 0 ? null : Math.min(...left),
  };
}

/** How many times faster than allowed a window used up the error budget; null when it was not determined, or has no such figure. */
export function burnOf({ figures }: Pick<JudgedWindow, 'figures'>, target: number): number | null {
  const value = figures[0]?.value ?? null;
  return value === null || target >= 1 ? null : Math.max(0, (1 - value) / (1 - target));
}

const beginsWithComparison = /^\s*(?:[<>=!]|(?:LT|LE|GT|GE|EQ|NE|BETWEEN|IN)\b)/i;

/** A target that begins with the comparison is about its KPI (GFD.192, KPITarget). */
export function objectiveText({ objective }: Pick<GuaranteeTerm, 'objective'>): string {
  if ('custom' in objective) return objective.custom;
  const { kpiName, target } = objective;
  return beginsWithComparison.test(target) ? `${kpiName} ${target}` : target;
}

/** Why nothing was determined. */
export function undetermined(
  window: Pick<JudgedWindow, 'figures'> | undefined,
  { minimumSamples }: GuaranteeTerm['assessment'],
): 'no-window' | 'no-events' | 'too-few' | 'uncertain' {
  if (!window) return 'no-window';
  const samples = Math.max(0, ...window.figures.map((figure) => figure.samples));
  if (samples === 0) return 'no-events';
  return samples < minimumSamples ? 'too-few' : 'uncertain';
}

/** Four digits that mean something; a proportion has its 95 % bounds. */
export function figureText({ name, value, low, high, samples }: Figure): string {
  const short = (number: number): string => String(Number(number.toPrecision(4)));
  const bounds = low === undefined || high === undefined ? '' : ` (${short(low)} to ${short(high)})`;
  return `${name} = ${value === null ? '–' : short(value)}${bounds}, n = ${samples}`;
}

export type ActName = 'accept' | 'reject' | 'suspend' | 'resume' | 'terminate';

/** What an agreement in this state takes (GFD.192, Agreement States). */
export function actsOf({
  state,
  suspension,
}: Pick<AgreementView, 'state' | 'suspension'>): readonly ActName[] {
  const pause = suspension === 'none' ? 'suspend' : 'resume';
  switch (state) {
    case 'Pending':
    case 'PendingAndTerminating':
      return ['accept', 'reject', 'terminate'];
    case 'Observed':
    case 'ObservedAndTerminating':
      return [pause, 'terminate'];
    default:
      return [];
  }
}

/** Whole minor units of a currency of ISO 4217 as a decimal amount. */
export function amountText({ amountMinor, currency }: Pick<LedgerEntry, 'amountMinor' | 'currency'>): string {
  const { maximumFractionDigits: digits = 0 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  const isNegative = amountMinor.startsWith('-');
  const figures = amountMinor.replace('-', '').padStart(digits + 1, '0');
  const split = figures.length - digits;
  const fraction = digits === 0 ? '' : `.${figures.slice(split)}`;
  return `${isNegative ? '-' : ''}${figures.slice(0, split)}${fraction} ${currency}`;
}

/** For each line that was taken back, the line that did so. */
export function reversalsOf(entries: readonly LedgerEntry[]): ReadonlyMap<number, number> {
  return new Map(
    entries.flatMap(({ sequence, reverses }) => (reverses === null ? [] : [[reverses, sequence] as const])),
  );
}

/** The months of UTC from the first in which it was observed to the one of `now`, latest first, as `2026-03`. */
export function monthsOf({ createdAt }: Pick<AgreementView, 'createdAt'>, now: Date): readonly string[] {
  const months: string[] = [];
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  while (
    months.length === 0 ||
    (month.toISOString().slice(0, 7) >= createdAt.slice(0, 7) && months.length < 120)
  ) {
    months.push(month.toISOString().slice(0, 7));
    month.setUTCMonth(month.getUTCMonth() - 1);
  }
  return months;
}

/** A document of what the template says, for somebody to complete. */
export function offerTextOf({ id, context, terms }: AgreementTemplate): string {
  const offer = { id: `${id}-1`, context: { ...context, templateId: id }, terms };
  return `${JSON.stringify(offer, null, 2)}\n`;
}
