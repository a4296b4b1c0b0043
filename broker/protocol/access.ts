import { z } from 'zod';
import { instantSchema } from './ids.ts';

const participantSchema = z.object({
  /** AE title, or the user that a token is for. */
  id: z.string().max(255),
  address: z.string().max(255),
  /** Common name of the certificate that it showed. */
  certificate: z.string().max(255).optional(),
});

/** What of one access is told in the audit trail (DICOM PS3.15 §A.5). Patient-related: nowhere else than there. */
export const accessRecordSchema = z.object({
  /** Of the node's own records; one that is told twice has the same. */
  id: z.string().max(64),
  /** When it began. */
  at: instantSchema,
  kind: z.enum(['query', 'retrieve', 'store', 'refusal']),
  service: z.enum(['C-FIND', 'C-MOVE', 'C-GET', 'QIDO-RS', 'WADO-RS', 'STOW-RS', 'association', 'HTTPS']),
  outcome: z.enum(['success', 'refused', 'failure']),
  requestor: participantSchema,
  /** Of C-MOVE: to whom the objects went. */
  destination: participantSchema.optional(),
  /** The session that a study token is for. */
  session: z.string().max(64).optional(),
  sopClassUID: z.string().max(64).optional(),
  level: z.string().max(16).optional(),
  /** Keys and values that were asked by. */
  query: z.string().max(2_000).optional(),
  /** Studies that it was about, as far as they are named. */
  studies: z.array(z.string().max(64)).max(100),
  patientIDs: z.array(z.string().max(256)).max(100),
  /** Matches of a query, objects of a transfer. */
  objects: z.int().nonnegative(),
  /** Requests that this one record is of. */
  times: z.int().positive(),
  /** In words or as a DIMSE or HTTP status. */
  status: z.string().max(200),
});
export type AccessRecord = z.infer<typeof accessRecordSchema>;
