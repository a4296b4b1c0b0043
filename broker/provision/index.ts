export * from './engine/index.ts';
export type { By, CreateResource, Provisioning } from './provisioning.ts';
