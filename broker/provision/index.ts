export { reconcile, type DesiredNodeStore } from './reconcile.ts';
