export { reconcile, type DesiredNodeStore } from './reconcile.ts';
export type { By, CreateResource, Provisioning } from './provisioning.ts';
