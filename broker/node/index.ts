export { NodeRegistry, type NodeLink, type NodeRecord, type NodeStore } from './node-registry.ts';
