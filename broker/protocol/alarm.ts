import { z } from 'zod';
import { instantSchema, nodeIdSchema } from './ids.ts';

/** What of a storage node alarms are made of. Null: it has no such thing. */
export const storageHealthSchema = z.object({
  diskBytes: z.number().nonnegative(),
  freeBytes: z.number().nonnegative(),
  /** Space that it never fills: from there on it takes nothing. */
  reserveBytes: z.number().nonnegative(),
  objectStoreUp: z.boolean().nullable(),
  /** Objects that are not in the object store yet. */
  spoolObjects: z.int().nonnegative().nullable(),
  /** Those among them that a person must look at. */
  spoolStuck: z.int().nonnegative().nullable(),
  /** Copies that were found damaged, and made again of the other one, since it started. */
  copiesDamaged: z.int().nonnegative().nullable(),
  copiesHealed: z.int().nonnegative().nullable(),
  /** The longest that an object waited from its last byte to its answer, in the last minute. */
  ingestSeconds: z.number().nonnegative(),
});
export type StorageHealth = z.infer<typeof storageHealthSchema>;

export const alarmKindSchema = z.enum([
  'pacs-unreachable',
  'certificate',
  'disk',
  'object-store',
  'spool',
  'scrub',
  'ingest-lag',
  'storage-lost',
]);
export type AlarmKind = z.infer<typeof alarmKindSchema>;

export const alarmSchema = z.object({
  id: z.string(),
  kind: alarmKindSchema,
  severity: z.enum(['warning', 'critical']),
  /** AE title or name of a storage node. */
  subject: z.string(),
  nodeId: nodeIdSchema.nullable(),
  words: z.string(),
  raisedAt: instantSchema,
  clearedAt: instantSchema.nullable(),
});
export type Alarm = z.infer<typeof alarmSchema>;

export const alarmListSchema = z.object({
  open: z.array(alarmSchema),
  /** The latest that are over, the newest first. */
  cleared: z.array(alarmSchema),
});
export type AlarmList = z.infer<typeof alarmListSchema>;
