import type { GuaranteeTerm } from '@medusa/protocol';
import {
  evaluateExpression,
  namesIn,
  printOperand,
  type Expression,
  type Known,
  type Operand,
  type Truth,
} from '../expression/index.ts';
import { kindOf, type IndicatorEvent } from './indicators.ts';
import { percentile, wilson } from './statistics.ts';

/** What an objective is about, as it was found. `value` is null when there was too little to tell. */
export type Figure = {
  /** As the condition has it, e.g. `p95(session.start.seconds)`. */
  readonly name: string;
  readonly value: number | null;
  /** 95 % bounds of a proportion. */
  readonly low?: number;
  readonly high?: number;
  readonly samples: number;
};

export type Judgement = { readonly met: Truth; readonly figures: readonly Figure[] };

type Rules = Pick<GuaranteeTerm['assessment'], 'minimumSamples' | 'confidence'> & {
  /** Names of variables that stand for indicators (GFD.192, Service Properties). */
  readonly variables: ReadonlyMap<string, string>;
};

/** Whether these events meet the objective. No data, or too little, is not known: never met, never missed. */
export function judge(expression: Expression, events: readonly IndicatorEvent[], rules: Rules): Judgement {
  const byIndicator = Map.groupBy(events, ({ indicator }) => indicator);
  const figures = new Map<string, Figure>();
  const met = evaluateExpression(expression, (operand): Known | undefined => {
    const name = printOperand(operand);
    const figure = figures.get(name) ?? { name, ...measure(operand, byIndicator, rules) };
    figures.set(name, figure);
    const { value, low = value, high = value } = figure;
    return value === null || low === null || high === null ? undefined : { value, low, high };
  });
  return { met, figures: [...figures.values()] };
}

/** The indicators of which an objective speaks. */
export function indicatorsOf(
  expression: Expression,
  variables: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  return new Set(Array.from(namesIn(expression), (name) => variables.get(name) ?? name));
}

/** An objective of the form "at least this part of the events is good"; others have no error budget. */
export function proportionOf(
  expression: Expression,
  variables: ReadonlyMap<string, string>,
): Proportion | undefined {
  if (expression.kind !== 'compare' || !['GE', 'GT'].includes(expression.operator)) return undefined;
  const { left, right } = expression;
  if (left.kind === 'number' || left.kind === 'text') return undefined;
  const indicator = indicatorOf(left, variables);
  const target = shareIn(right);
  if (target === undefined) return undefined;
  if (left.kind === 'ratio')
    return { indicator, target, isGood: (event) => isGood(left.of, event, variables) === true };
  const isKnown = isMean(left) && kindOf(indicator) === 'proportion';
  return isKnown ? { indicator, target, isGood: ({ value }) => value >= 1 } : undefined;
}

function shareIn(operand: Operand): number | undefined {
  const isShare = operand.kind === 'number' && operand.value > 0 && operand.value < 1;
  return isShare ? operand.value : undefined;
}

export type Proportion = {
  readonly indicator: string;
  readonly target: number;
  readonly isGood: (event: IndicatorEvent) => boolean;
};

type Measured = Omit<Figure, 'name'>;
type Events = ReadonlyMap<string, readonly IndicatorEvent[]>;
type Asked = Exclude<Operand, { kind: 'number' | 'text' }>;

function measure(operand: Asked, events: Events, rules: Rules): Measured {
  const indicator = indicatorOf(operand, rules.variables);
  const found = events.get(indicator) ?? [];
  if (operand.kind === 'ratio') {
    const truths = found.map((event) => isGood(operand.of, event, rules.variables));
    const told = truths.filter((truth) => truth !== undefined);
    return proportion(told.filter(Boolean).length, told.length, rules);
  }
  const values = found.map(({ value }) => value);
  if (kindOf(indicator) === 'proportion' && isMean(operand))
    return proportion(sum(values), values.length, rules);
  const value = isEnough(values.length, rules) ? statisticOf(operand, indicator, values) : null;
  return { value, samples: values.length };
}

function isEnough(samples: number, { minimumSamples }: Rules): boolean {
  return samples > 0 && samples >= minimumSamples;
}

/** The indicator of a ratio is the first that its condition names; further names are facts about the event. */
function indicatorOf(operand: Asked, variables: ReadonlyMap<string, string>): string {
  const name =
    operand.kind === 'ratio' ? firstName(operand.of) : operand.kind === 'name' ? operand.name : operand.of;
  return variables.get(name) ?? name;
}

function firstName(expression: Expression): string {
  const [name = ''] = namesIn(expression);
  return name;
}

function isGood(condition: Expression, event: IndicatorEvent, variables: ReadonlyMap<string, string>): Truth {
  return evaluateExpression(condition, (operand): Known | undefined => {
    if (operand.kind !== 'name') return undefined;
    const { name } = operand;
    if ((variables.get(name) ?? name) === event.indicator) return { value: event.value };
    return Object.hasOwn(event.conditions, name) ? known(event.conditions[name]) : undefined;
  });
}

/** A fact about an event, as a condition sees it. */
export function known(fact: number | string | undefined): Known | undefined {
  if (typeof fact === 'number') return { value: fact };
  return fact === undefined ? undefined : { value: fact };
}

function proportion(good: number, samples: number, rules: Rules): Measured {
  if (!isEnough(samples, rules)) return { value: null, samples };
  const bounds = rules.confidence === 'wilson-95' ? wilson(good, samples) : {};
  return { value: good / samples, ...bounds, samples };
}

/** What a bare name means: of a duration the 95th percentile, else the mean. */
function isMean(operand: Asked): boolean {
  return operand.kind === 'name' || (operand.kind === 'statistic' && operand.statistic === 'mean');
}

const statisticsOf = {
  mean: (values: readonly number[]) => sum(values) / values.length,
  min: (values: readonly number[]) => percentile(ascending(values), 0),
  max: (values: readonly number[]) => percentile(ascending(values), 100),
  sum,
  count: (values: readonly number[]) => values.length,
};

function statisticOf(
  operand: Exclude<Asked, { kind: 'ratio' }>,
  indicator: string,
  values: readonly number[],
): number {
  if (operand.kind === 'percentile') return percentile(ascending(values), operand.percent);
  if (operand.kind === 'statistic') return statisticsOf[operand.statistic](values);
  return kindOf(indicator) === 'duration' ? percentile(ascending(values), 95) : statisticsOf.mean(values);
}

function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
