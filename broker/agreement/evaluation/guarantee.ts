import type {
  AssessmentInterval,
  BusinessValue,
  GuaranteeState,
  GuaranteeTerm,
  Obligated,
} from '@medusa/protocol';
import { objectiveExpression } from '../conditions.ts';
import { evaluateExpression, parseExpression, type Expression, type Truth } from '../expression/index.ts';
import type { IndicatorEvent } from './indicators.ts';
import { parseMoney } from './money.ts';
import { indicatorsOf, judge, known, type Figure } from './objective.ts';
import {
  isWithin,
  lengthMs,
  overlap,
  parseDuration,
  windowsEndingIn,
  type Duration,
  type Span,
} from './windows.ts';

/** A guarantee made ready to be judged again and again. */
export type Guarantee = {
  readonly term: GuaranteeTerm;
  readonly expression: Expression;
  readonly qualifying: Expression | undefined;
  readonly variables: ReadonlyMap<string, string>;
  readonly indicators: ReadonlySet<string>;
  /** After how long its state is judged. */
  readonly window: Duration;
  /** After how long its values are booked: the longest interval of all, within which the others are alternatives. */
  readonly settlement: Duration;
};

/** How one stretch went. */
export type Assessment = {
  readonly window: Span;
  readonly state: GuaranteeState;
  readonly figures: readonly Figure[];
  /** Of the events that counted. */
  readonly eventIds: readonly string[];
};

/** What is owed for one settlement window. */
export type Booking = {
  readonly kind: 'penalty' | 'reward';
  readonly window: Span;
  readonly minor: bigint;
  readonly currency: string;
  readonly debtor: Obligated;
  /** The interval that applied, how often, and its value. */
  readonly reason: string;
};

/** `undefined` when a condition or a duration cannot be read; an offer with such a term is not agreed upon. */
export function prepareGuarantee(
  term: GuaranteeTerm,
  variables: ReadonlyMap<string, string>,
): Guarantee | undefined {
  const objective = objectiveExpression(term.objective);
  const qualifying =
    term.qualifyingCondition === undefined ? undefined : parseExpression(term.qualifyingCondition);
  const window = parseDuration(term.assessment.window);
  if (!objective.ok || qualifying?.ok === false || !window) return undefined;
  const { penalties, rewards } = term.businessValues;
  const durations = [...penalties, ...rewards].map(({ interval }) => durationOf(interval) ?? window);
  const settlement = [window, ...durations].toSorted((a, b) => lengthMs(b) - lengthMs(a))[0] ?? window;
  const { expression } = objective;
  const indicators = indicatorsOf(expression, variables);
  return { term, expression, qualifying: qualifying?.expression, variables, indicators, window, settlement };
}

/** The events that count: of its indicators and scope, each id once, under conditions that are known to be true. */
export function countedEvents(
  guarantee: Guarantee,
  events: readonly IndicatorEvent[],
): readonly IndicatorEvent[] {
  const seen = new Set<string>();
  return events.filter((event) => {
    if (seen.has(event.id) || !concerns(guarantee, event)) return false;
    const isQualified = qualifies(guarantee, event) === true;
    if (isQualified) seen.add(event.id);
    return isQualified;
  });
}

/** Whether an event is of its indicators and in its scope. */
export function concerns({ term, indicators }: Guarantee, event: IndicatorEvent): boolean {
  const { indicator, service, item } = event;
  const isInScope = term.scopes.some(
    (scope) => scope.serviceName === service && (scope.item ?? item) === item,
  );
  return indicators.has(indicator) && (term.scopes.length === 0 || isInScope);
}

/** Whether its qualifying condition holds for an event; undefined: the event does not tell. */
export function qualifies({ qualifying }: Guarantee, { conditions }: IndicatorEvent): Truth {
  if (qualifying === undefined) return true;
  return evaluateExpression(qualifying, (operand) => {
    const isTold = operand.kind === 'name' && Object.hasOwn(conditions, operand.name);
    return isTold ? known(conditions[operand.name]) : undefined;
  });
}

/** Judges one window over events that count. `active`: when the agreement was observed and not suspended; all else is nothing. */
export function assess(
  guarantee: Guarantee,
  window: Span,
  { events, active }: { readonly events: readonly IndicatorEvent[]; readonly active: readonly Span[] },
): Assessment {
  const stretches = active.flatMap((span) => overlap(span, window) ?? []);
  const inside = events.filter(({ atMs }) => stretches.some((stretch) => isWithin(atMs, stretch)));
  return assessed(guarantee, window, inside);
}

function assessed(guarantee: Guarantee, window: Span, events: readonly IndicatorEvent[]): Assessment {
  const { expression, variables, term } = guarantee;
  const { met, figures } = judge(expression, events, { ...term.assessment, variables });
  const state = met === undefined ? 'NotDetermined' : met ? 'Fulfilled' : 'Violated';
  return { window, state, figures, eventIds: events.map(({ id }) => id) };
}

/**
 * What a settlement window costs whom. Several penalties of one objective do not add: the longest assessment interval that gives the
 * highest value applies; of several rewards the longest interval that applies (GFD.192, Business Value List).
 */
export function settle(
  guarantee: Guarantee,
  window: Span,
  facts: { readonly events: readonly IndicatorEvent[]; readonly active: readonly Span[] },
): readonly Booking[] {
  const { penalties, rewards } = guarantee.term.businessValues;
  const claim = (values: readonly BusinessValue[], state: GuaranteeState): readonly Claim[] =>
    values.flatMap(
      (value) => claimOf(value, countStates(guarantee, value.interval, { window, state, ...facts })) ?? [],
    );
  const byLength = (a: Claim, b: Claim): number => b.lengthMs - a.lengthMs;
  const byValue = (a: Claim, b: Claim): number => Number(b.minor - a.minor) || byLength(a, b);
  const [penalty] = claim(penalties, 'Violated').toSorted(byValue);
  const [reward] = claim(rewards, 'Fulfilled').toSorted(byLength);
  const { obligated } = guarantee.term;
  const other = obligated === 'ServiceProvider' ? 'ServiceConsumer' : 'ServiceProvider';
  const booking = (kind: Booking['kind'], debtor: Obligated, found: Claim | undefined): readonly Booking[] =>
    found
      ? [{ kind, window, debtor, minor: found.minor, currency: found.currency, reason: found.reason }]
      : [];
  return [...booking('penalty', obligated, penalty), ...booking('reward', other, reward)];
}

type Claim = {
  readonly minor: bigint;
  readonly currency: string;
  readonly lengthMs: number;
  readonly reason: string;
};

function claimOf({ interval, valueExpression, valueUnit }: BusinessValue, times: number): Claim | undefined {
  const money = times === 0 ? undefined : parseMoney(valueExpression, valueUnit);
  if (!money) return undefined;
  const duration = durationOf(interval);
  const words = 'count' in interval ? `${interval.count} events` : interval.timeInterval;
  return {
    minor: money.minor * BigInt(times),
    currency: money.currency,
    lengthMs: duration ? lengthMs(duration) : 0,
    reason: `${times} × ${valueExpression} ${money.currency} per ${words}`,
  };
}

type Counted = {
  readonly window: Span;
  readonly state: GuaranteeState;
  readonly events: readonly IndicatorEvent[];
  readonly active: readonly Span[];
};

/** How many stretches of this interval that end in the window came to that state. */
function countStates(guarantee: Guarantee, interval: AssessmentInterval, counted: Counted): number {
  const { window, state, ...facts } = counted;
  const duration = durationOf(interval);
  const assessments = duration
    ? windowsEndingIn(duration, window).map((part) => assess(guarantee, part, facts))
    : chunksOf(guarantee, 'count' in interval ? interval.count : 1, { window, ...facts });
  return assessments.filter((assessment) => assessment.state === state).length;
}

/** So many events one after the other; a last group that is not full is not assessed. */
function chunksOf(
  guarantee: Guarantee,
  count: number,
  { window, events, active }: Omit<Counted, 'state'>,
): readonly Assessment[] {
  const stretches = active.flatMap((span) => overlap(span, window) ?? []);
  const inOrder = events
    .filter(({ atMs }) => stretches.some((stretch) => isWithin(atMs, stretch)))
    .toSorted((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
  return Array.from({ length: Math.floor(inOrder.length / count) }, (_, index) =>
    assessed(guarantee, window, inOrder.slice(index * count, (index + 1) * count)),
  );
}

function durationOf(interval: AssessmentInterval): Duration | undefined {
  return 'count' in interval ? undefined : parseDuration(interval.timeInterval);
}
