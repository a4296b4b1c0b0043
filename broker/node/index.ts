export type { NodeEvent } from './transition.ts';
export { zoneOf, type NodeLink, type NodeRecord } from './node-entry.ts';
export { NodeRegistry, type NodeStore } from './node-registry.ts';
