import type { Objective, Term, TermCompositor } from '@medusa/protocol';
import { parseExpression, type ParsedExpression } from './expression/index.ts';

const beginsWithComparison = /^\s*(?:[<>=!]|(?:LT|LE|GT|GE|EQ|NE|BETWEEN|IN)\b)/i;

/** The condition that an objective sets; a target that begins with the comparison is about its KPI (GFD.192, KPITarget). */
export function objectiveExpression(objective: Objective): ParsedExpression {
  if ('custom' in objective) return parseExpression(objective.custom);
  const { kpiName, target } = objective;
  return parseExpression(beginsWithComparison.test(target) ? `${kpiName} ${target}` : target);
}

export type BadCondition = { readonly path: readonly (string | number)[]; readonly message: string };

/** The conditions in these terms that cannot be read, each with the path to it. */
export function badConditionsIn({ terms }: TermCompositor): readonly BadCondition[] {
  return terms.flatMap((term, index) =>
    badConditionsOf(term).map(({ path, message }) => ({ path: ['terms', index, ...path], message })),
  );
}

function badConditionsOf(term: Term): readonly BadCondition[] {
  if ('terms' in term) return badConditionsIn(term);
  if (term.kind !== 'GuaranteeTerm') return [];
  const parsed: [string, ParsedExpression][] = [['objective', objectiveExpression(term.objective)]];
  if (term.qualifyingCondition !== undefined)
    parsed.push(['qualifyingCondition', parseExpression(term.qualifyingCondition)]);
  return parsed.flatMap(([member, read]) =>
    read.ok ? [] : [{ path: [member], message: `${read.message} (character ${read.column})` }],
  );
}
