export { useWorklist } from './use-worklist.ts';
export { WorklistPage } from './worklist-page.tsx';
