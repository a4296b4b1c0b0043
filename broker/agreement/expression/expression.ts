export const statistics = ['mean', 'min', 'max', 'sum', 'count'] as const;

/** What a comparison is about. */
export type Operand =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  /** An indicator, a variable, or a fact about an event. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'statistic'; readonly statistic: (typeof statistics)[number]; readonly of: string }
  /** Nearest rank; `percent` is in (0, 100]. */
  | { readonly kind: 'percentile'; readonly percent: number; readonly of: string }
  /** The part of the events of one indicator of which the condition is true: 0 to 1. */
  | { readonly kind: 'ratio'; readonly of: Expression };

export type Operator = 'LT' | 'LE' | 'GT' | 'GE' | 'EQ' | 'NE';

/** A condition, parsed. Nothing in it is ever run as code. */
export type Expression =
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  /** Both ends belong to it. */
  | { readonly kind: 'between'; readonly operand: Operand; readonly low: number; readonly high: number }
  | { readonly kind: 'in'; readonly operand: Operand; readonly values: readonly (number | string)[] }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression };

/** The names in it, each once: indicators, variables, facts. */
export function namesIn(expression: Expression): ReadonlySet<string> {
  return new Set(operandsIn(expression).flatMap(namesOf));
}

/** Its operands, from left to right. */
function operandsIn(expression: Expression): readonly Operand[] {
  switch (expression.kind) {
    case 'compare':
      return [expression.left, expression.right];
    case 'between':
    case 'in':
      return [expression.operand];
    case 'not':
      return operandsIn(expression.part);
    case 'and':
    case 'or':
      return expression.parts.flatMap(operandsIn);
  }
}

function namesOf(operand: Operand): readonly string[] {
  switch (operand.kind) {
    case 'number':
    case 'text':
      return [];
    case 'name':
      return [operand.name];
    case 'statistic':
    case 'percentile':
      return [operand.of];
    case 'ratio':
      return [...namesIn(operand.of)];
  }
}
