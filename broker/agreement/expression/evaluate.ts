import type { Expression, Operand, Operator } from './expression.ts';

/** True, false, or `undefined`: not known (Kleene's three values). */
export type Truth = boolean | undefined;

/** What a name or a statistic stands for. `low` and `high` bound a number that is not exactly known. */
export type Known =
  { readonly value: string } | { readonly value: number; readonly low?: number; readonly high?: number };

export type Lookup = (operand: Exclude<Operand, { kind: 'number' | 'text' }>) => Known | undefined;

/** Whether the condition holds. What is not known makes the answer unknown only where it matters. */
export function evaluateExpression(expression: Expression, lookup: Lookup): Truth {
  switch (expression.kind) {
    case 'and':
      return conjunction(expression.parts.map((part) => evaluateExpression(part, lookup)));
    case 'or':
      return negation(
        conjunction(expression.parts.map((part) => negation(evaluateExpression(part, lookup)))),
      );
    case 'not':
      return negation(evaluateExpression(expression.part, lookup));
    case 'compare':
      return compare(expression.operator, known(expression.left, lookup), known(expression.right, lookup));
    case 'between':
      return between(known(expression.operand, lookup), expression);
    case 'in': {
      const found = known(expression.operand, lookup);
      return found && expression.values.includes(found.value);
    }
  }
}

function known(operand: Operand, lookup: Lookup): Known | undefined {
  if (operand.kind === 'number') return { value: operand.value };
  return operand.kind === 'text' ? { value: operand.value } : lookup(operand);
}

function conjunction(parts: readonly Truth[]): Truth {
  if (parts.includes(false)) return false;
  return parts.includes(undefined) ? undefined : true;
}

function negation(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

const holds: Readonly<Record<Operator, (a: number, b: number) => boolean>> = {
  LT: (a, b) => a < b,
  LE: (a, b) => a <= b,
  GT: (a, b) => a > b,
  GE: (a, b) => a >= b,
  EQ: (a, b) => a === b,
  NE: (a, b) => a !== b,
};

function compare(operator: Operator, left: Known | undefined, right: Known | undefined): Truth {
  if (!left || !right) return undefined;
  if (isNumber(left) && isNumber(right)) return compareNumbers(operator, left, right);
  if (isNumber(left) || isNumber(right)) return undefined;
  if (operator === 'EQ') return left.value === right.value;
  return operator === 'NE' ? left.value !== right.value : undefined;
}

type KnownNumber = Extract<Known, { value: number }>;

function isNumber(known: Known): known is KnownNumber {
  return typeof known.value === 'number';
}

/** True when it holds for the figures as they are; false only when it holds nowhere within their bounds. */
function compareNumbers(operator: Operator, left: KnownNumber, right: KnownNumber): Truth {
  if (holds[operator](left.value, right.value)) return true;
  const couldHold = endsOf(left).some((a) => endsOf(right).some((b) => holds[operator](a, b)));
  const couldMeet = lowOf(left) <= highOf(right) && lowOf(right) <= highOf(left);
  return couldHold || (operator === 'EQ' && couldMeet) ? undefined : false;
}

function between(operand: Known | undefined, { low, high }: { low: number; high: number }): Truth {
  if (!operand || !isNumber(operand)) return undefined;
  if (operand.value >= low && operand.value <= high) return true;
  return lowOf(operand) <= high && highOf(operand) >= low ? undefined : false;
}

function endsOf(known: KnownNumber): readonly number[] {
  return [lowOf(known), highOf(known)];
}

function lowOf({ value, low = value }: KnownNumber): number {
  return low;
}

function highOf({ value, high = value }: KnownNumber): number {
  return high;
}
