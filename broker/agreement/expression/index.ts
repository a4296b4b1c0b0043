export { evaluateExpression, type Known, type Truth } from './evaluate.ts';
export { namesIn, type Expression, type Operand } from './expression.ts';
export { parseExpression, type ParsedExpression } from './parse.ts';
export { printExpression, printOperand } from './print.ts';
