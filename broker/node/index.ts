export type { NodeEvent } from './transition.ts';
export { NodeRegistry, zoneOf, type NodeLink, type NodeRecord, type NodeStore } from './node-registry.ts';
