export type { Argument, Statement } from './ast.ts';
export { orderNodes, sortByNeed } from './order.ts';
export { parseCordscript } from './parse.ts';
export { stepsOf, type SectionName, type Step } from './steps.ts';
