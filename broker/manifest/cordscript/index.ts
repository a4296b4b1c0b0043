export type { Argument, Statement } from './ast.ts';
export { needsOf, orderNodes, sortByNeed } from './order.ts';
export { parseCordscript } from './parse.ts';
export { nodesIn, stepsOf, type SectionName, type Step } from './steps.ts';
