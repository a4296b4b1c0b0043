import { z } from 'zod';
import { instantSchema } from './ids.ts';

export const auditActionSchema = z.enum([
  'user.login',
  'user.logout',
  'study.read',
  'study.stored',
  'image.noted',
  'dicom.queried',
  'dicom.retrieved',
  'dicom.stored',
  'dicom.refused',
  'object.quarantined',
  'quarantine.read',
  'quarantine.changed',
  'session.opened',
  'session.closed',
  'session.failed',
  'session.node-lost',
  'session.recovered',
  'room.joined',
  'room.left',
  'room.floor-passed',
  'clipboard.copied',
  'clipboard.pasted',
  'invitation.created',
  'invitation.accepted',
  'audit.read',
  'node.changed',
  'node.joined',
  'node.join-refused',
  'provider.changed',
  'pool.changed',
  'resource.changed',
  'service.changed',
  'reservation.changed',
  'agreement.changed',
  'agreement.read',
  'access.refused',
]);
export type AuditAction = z.infer<typeof auditActionSchema>;

/** One line of the audit trail (cf. DICOM PS3.15 §A.5, FHIR AuditEvent). Append-only; each line carries the hash of the one before. */
export const auditEventSchema = z.object({
  sequence: z.int(),
  at: instantSchema,
  action: auditActionSchema,
  outcome: z.enum(['success', 'refused', 'failure']),
  actorId: z.string(),
  actorName: z.string(),
  actorAddress: z.string(),
  /** What it was done to, e.g. `study` and a Study Instance UID. */
  objectType: z.string(),
  objectId: z.string(),
  detail: z.string(),
  hash: z.string(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;
