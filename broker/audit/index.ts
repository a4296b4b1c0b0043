export { accessFacts } from './access-facts.ts';
export {
  brokerActor,
  createAuditTrail,
  type AuditActor,
  type AuditFilter,
  type AuditStore,
  type AuditTrail,
} from './audit-trail.ts';
export { chainHash, genesisHash } from './chain.ts';
