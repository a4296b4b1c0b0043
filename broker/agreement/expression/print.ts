import type { Expression, Operand } from './expression.ts';

/** The condition as `parseExpression` reads it, in one fixed spelling. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'compare':
      return `${printOperand(expression.left)} ${expression.operator} ${printOperand(expression.right)}`;
    case 'between':
      return `${printOperand(expression.operand)} BETWEEN (${expression.low}, ${expression.high})`;
    case 'in':
      return `${printOperand(expression.operand)} IN (${expression.values.map(printValue).join(', ')})`;
    case 'not':
      return `NOT (${printExpression(expression.part)})`;
    case 'and':
    case 'or':
      return expression.parts
        .map((part) =>
          part.kind === 'and' || part.kind === 'or' ? `(${printExpression(part)})` : printExpression(part),
        )
        .join(` ${expression.kind.toUpperCase()} `);
  }
}

export function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'number':
    case 'text':
      return printValue(operand.value);
    case 'name':
      return operand.name;
    case 'statistic':
      return `${operand.statistic}(${operand.of})`;
    case 'percentile':
      return `p${operand.percent}(${operand.of})`;
    case 'ratio':
      return `ratio(${printExpression(operand.of)})`;
  }
}

function printValue(value: number | string): string {
  if (typeof value === 'number') return String(value);
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}
