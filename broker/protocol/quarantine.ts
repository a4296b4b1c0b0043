import { z } from 'zod';
import { instantSchema } from './ids.ts';

/** Names an object in a storage node's quarantine. */
export const quarantineIdSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** An object that a storage node keeps but serves to nobody. */
export const quarantinedObjectSchema = z.object({
  id: quarantineIdSchema,
  /** Of the data set, as it came. */
  sha256: z.string().max(64),
  /** `waiting`: for the malware scanner; `held`: for an administrator. */
  state: z.enum(['waiting', 'held']),
  reason: z.string().max(200),
  receivedAt: instantSchema,
  /** AE title of the sender, or `STOW-RS`. */
  receivedFrom: z.string().max(64),
  bytes: z.int().nonnegative(),
  sopClassUID: z.string().max(64),
  sopInstanceUID: z.string().max(64),
  /** How often these bytes came. */
  times: z.int().positive(),
});
export type QuarantinedObject = z.infer<typeof quarantinedObjectSchema>;

/** The newest ones, and how many there are in all. */
export const quarantineListSchema = z.object({
  objects: z.array(quarantinedObjectSchema),
  total: z.int().nonnegative(),
});
export type QuarantineList = z.infer<typeof quarantineListSchema>;

export const quarantineReleasedSchema = z.object({ outcome: z.enum(['stored', 'duplicate', 'conflict']) });
export type QuarantineReleased = z.infer<typeof quarantineReleasedSchema>;

/** Storage node → broker, for the audit trail. Told again until it is acknowledged. */
export const quarantineNewsSchema = quarantinedObjectSchema.pick({
  id: true,
  reason: true,
  receivedAt: true,
  receivedFrom: true,
});
export type QuarantineNews = z.infer<typeof quarantineNewsSchema>;
