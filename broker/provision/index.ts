export type { MachineNeed, ProviderDriver } from './driver.ts';
export { reconcile, type DesiredNodeStore } from './reconcile.ts';
