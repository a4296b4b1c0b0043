export {
  brokerActor,
  createAuditTrail,
  type AuditActor,
  type AuditFilter,
  type AuditStore,
  type AuditTrail,
} from './audit-trail.ts';
export { chainHash, genesisHash, type AuditEntry } from './chain.ts';
