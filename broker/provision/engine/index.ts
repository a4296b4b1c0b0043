export { applyDeclared, declaredSchema, type Declared } from './declared.ts';
export { openProvisioning, type ProvisioningOptions, type RunningProvisioning } from './open-provisioning.ts';
export { Dispatcher } from './dispatcher.ts';
export { showOnRegistry } from './node-board.ts';
export type { Limits } from './decision.ts';
export type { ImageFile } from './kinds.ts';
export {
  fixedSize,
  mentions,
  newPoolStatus,
  newStatus,
  type Intent,
  type NewEvent,
  type NodeFact,
  type PoolRecord,
  type PoolStatus,
  type ProviderRecord,
  type ResourceRecord,
  type Status,
  type Wish,
} from './model.ts';
export {
  ClaimLost,
  type Claim,
  type Claimed,
  type Look,
  type Notice,
  type Presence,
  type ProvisionStore,
  type Settlement,
  type Topic,
  type WorkStore,
  type Write,
} from './store.ts';
