import { z } from 'zod';
import { storageHealthSchema } from './alarm.ts';
import { entityStatusSchema } from './entity.ts';
import { instantSchema, nodeIdSchema, uidSchema, zoneSchema } from './ids.ts';

/** A study as the worklist shows it. Attribute names are DICOM keywords; values are decoded to Unicode. */
export const studySummarySchema = z.object({
  studyInstanceUID: uidSchema,
  /** Person Name, alphabetic group, components separated by `^` (PS3.5 §6.2.1). */
  patientName: z.string().max(1024),
  patientID: z.string().max(256),
  /** `YYYYMMDD` or empty. */
  patientBirthDate: z.string().max(32),
  patientSex: z.string().max(16),
  accessionNumber: z.string().max(256),
  studyID: z.string().max(256),
  /** `YYYYMMDD` or empty. */
  studyDate: z.string().max(32),
  /** `HHMMSS[.FFFFFF]` or empty. */
  studyTime: z.string().max(32),
  studyDescription: z.string().max(1024),
  referringPhysicianName: z.string().max(1024),
  modalitiesInStudy: z.array(z.string().max(16)),
  numberOfStudyRelatedSeries: z.int().nonnegative(),
  numberOfStudyRelatedInstances: z.int().nonnegative(),
  /** All of its objects as they are stored; storage nodes of before do not tell. */
  storedBytes: z.int().nonnegative().optional(),
  firstReceivedAt: instantSchema,
  lastReceivedAt: instantSchema,
  /** AE title of the peer that sent the latest object, or `STOW-RS`. */
  receivedFrom: z.string().max(64),
  /** Grows with each change of any study of the storage node; the link resumes from it. */
  change: z.int().nonnegative(),
});
export type StudySummary = z.infer<typeof studySummarySchema>;

export const storageRegistrationSchema = z.object({
  nodeId: nodeIdSchema,
  version: z.string(),
  /** Where the broker and render nodes reach this node's DICOMweb service root, e.g. `https://127.0.0.1:34567/dicomweb`. */
  baseUrl: z.url(),
  aeTitle: z.string().max(16),
  dicomPort: z.int(),
  /** Identifies the index: a node set up anew has another one, and the broker starts again from change 0. */
  indexId: z.string().max(64),
  zone: zoneSchema.optional(),
  /** Nodes that stand for it: they and it have the same objects. */
  peers: z.array(nodeIdSchema).max(16).optional(),
});
export type StorageRegistration = z.infer<typeof storageRegistrationSchema>;

export const storageWelcomeSchema = z.object({ sinceChange: z.int().nonnegative() });
export type StorageWelcome = z.infer<typeof storageWelcomeSchema>;

export const storageHeartbeatSchema = z.object({
  freeBytes: z.number(),
  associations: z.int(),
  studies: z.int(),
  instances: z.int(),
  conflicts: z.int(),
  refusedAssociations: z.int(),
  /** Objects in quarantine; storage nodes of before do not tell. */
  quarantined: z.int().nonnegative().optional(),
  health: storageHealthSchema.optional(),
  /** Of the application entities that it was told last; absent: never. */
  registryRevision: z.int().nonnegative().optional(),
  entities: z.array(entityStatusSchema).max(1_000).optional(),
  /** When the node's certificate for DICOM over TLS ends; absent without TLS. */
  dicomCertificateEndsAt: z.iso.datetime().optional(),
});
export type StorageHeartbeat = z.infer<typeof storageHeartbeatSchema>;

/**
 * Claims of a token for DICOMweb, signed ES256 by the broker (`aud` = `medusa-storage`; keys at `/api/jwks.json`).
 * `study` is one Study Instance UID, or `*` for the broker's own requests on behalf of a user it has checked.
 */
export const studyTokenClaimsSchema = z.object({
  sub: z.string(),
  aud: z.literal('medusa-storage'),
  study: z.union([uidSchema, z.literal('*')]),
  session: z.string().optional(),
  /** `admin`: the quarantine, and nothing else. */
  permission: z.enum(['read', 'write', 'admin']).default('read'),
});
export type StudyTokenClaims = z.infer<typeof studyTokenClaimsSchema>;
