import { z } from 'zod';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

export const sessionIdSchema = id.brand<'SessionId'>();
export type SessionId = z.infer<typeof sessionIdSchema>;
export const nodeIdSchema = id.brand<'NodeId'>();
export type NodeId = z.infer<typeof nodeIdSchema>;
/** One person at one screen in one room: a user with two tabs is two participants. */
export const participantIdSchema = id.brand<'ParticipantId'>();
export type ParticipantId = z.infer<typeof participantIdSchema>;
/** The `sub` claim of the OIDC issuer. */
export const userIdSchema = z.string().min(1).max(255).brand<'UserId'>();
export type UserId = z.infer<typeof userIdSchema>;

/** Nodes of one zone share their paths. A node that names none is in the zone of its provider. */
export const zoneSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

/** DICOM PS3.5 §9.1: at most 64 characters of digits and dots. Leading zeros occur in the field and are taken. */
export const uidSchema = z
  .string()
  .max(64)
  .regex(/^[0-9]+(\.[0-9]+)*$/, 'not a DICOM UID');

/** ISO 8601 with offset, UTC as written by us. */
export const instantSchema = z.iso.datetime({ offset: true });

export const roleSchema = z.enum(['radiologist', 'doctor', 'admin']);
export type Role = z.infer<typeof roleSchema>;
