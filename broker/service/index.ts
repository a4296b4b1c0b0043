export type { ServiceRecord, ServiceStore } from './record.ts';
export { openServices, type RunningServices, type Services } from './services.ts';
