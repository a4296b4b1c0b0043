import { z } from 'zod';
import { instantSchema, nodeIdSchema, uidSchema } from './ids.ts';

/** PS3.5: 1 to 16 characters, no backslash, no control character. */
export const aeTitleSchema = z
  .string()
  .trim()
  .regex(/^[\x20-\x5b\x5d-\x7e]{1,16}$/, '1 to 16 characters of ASCII, no backslash');

export const entityPermissionSchema = z.enum(['store', 'query', 'retrieve', 'commit']);
export type EntityPermission = z.infer<typeof entityPermissionSchema>;

const fingerprintSchema = z
  .string()
  .transform((text) => text.replaceAll(/[:\s]/g, '').toUpperCase())
  .refine((text) => /^[0-9A-F]{64}$/.test(text), 'A SHA-256 fingerprint has 64 hexadecimal digits');

const modalitySchema = z.string().regex(/^[A-Z0-9_ ]{1,16}$/, 'A modality is up to 16 capital letters');

const priorsPolicySchema = z.strictObject({
  most: z.int().min(1).max(50).default(5),
  /** Of the prior; none: any. */
  modalities: z.array(modalitySchema).max(20).default([]),
  /** `move`: it sends them over an association of its own; `get`: over ours, through firewalls that let nothing in. */
  by: z.enum(['move', 'get']).default('move'),
});

/** A PACS, modality or workstation, as an administrator wants it known to every storage node. */
export const putEntitySchema = z
  .strictObject({
    note: z.string().trim().max(200).default(''),
    /** Where it listens; null: nothing can be sent there. */
    host: z.string().trim().min(1).max(255).nullable().default(null),
    port: z.int().min(1).max(65_535).nullable().default(null),
    /** `required`: plaintext is refused from it, and never tried towards it. */
    tls: z.enum(['required', 'off']).default('required'),
    /** SHA-256, any one of them; none: its title must be the common name of its certificate. */
    fingerprints: z.array(fingerprintSchema).max(4).default([]),
    may: z.array(entityPermissionSchema).max(4).default(['store']),
    /** What it may store; none: whatever the storage node takes. */
    sopClasses: z.array(uidSchema).max(200).default([]),
    /** More of it is refused until the next day (UTC); null: no limit. */
    mostGiBPerDay: z.number().positive().max(1_000_000).nullable().default(null),
    /** Where what it sends goes on to. */
    forwardTo: z.array(aeTitleSchema).max(10).default([]),
    /** Whether it is asked for earlier studies of a patient when one has arrived. */
    priors: priorsPolicySchema.nullable().default(null),
    /** C-ECHO from time to time. */
    isProbed: z.boolean().default(true),
  })
  .refine(({ host, port }) => (host === null) === (port === null), {
    message: 'Host and port come together',
    path: ['port'],
  })
  .refine(({ host, priors }) => host !== null || priors === null, {
    message: 'Priors can be asked for only where there is an address',
    path: ['priors'],
  });
export type PutEntity = z.infer<typeof putEntitySchema>;

/** What becomes of those that are not listed; null: what each storage node was told by its own settings. */
export const unlistedSchema = z.enum(['store', 'refused']).nullable();

/** Broker → storage node: all of it, each time. */
export const toldRegistrySchema = z.object({
  revision: z.int().nonnegative(),
  unlisted: unlistedSchema,
  entities: z.record(aeTitleSchema, putEntitySchema),
});
export type ToldRegistry = z.infer<typeof toldRegistrySchema>;

export const echoResultSchema = z.object({
  at: instantSchema,
  isReachable: z.boolean(),
  /** For a person. */
  words: z.string().max(300),
  ms: z.number().nonnegative(),
});
export type EchoResult = z.infer<typeof echoResultSchema>;

/** What a storage node saw of one entity since it started. */
export const entityStatusSchema = z.object({
  title: z.string().max(16),
  echo: echoResultSchema.nullable(),
  /** Echoes that failed since the last one that did not. */
  failures: z.int().nonnegative(),
  receivedObjects: z.int().nonnegative(),
  receivedBytes: z.number().nonnegative(),
  /** Since the day began (UTC). */
  bytesToday: z.number().nonnegative(),
  refusals: z.int().nonnegative(),
  lastRefusal: z.string().max(200).nullable(),
  lastSeenAt: instantSchema.nullable(),
  certificateEndsAt: instantSchema.nullable(),
  /** Objects of it in quarantine. */
  quarantined: z.int().nonnegative(),
  /** Studies that were fetched from it as priors. */
  priorsFetched: z.int().nonnegative(),
  /** What is still to be done towards it: objects to be sent on, arrivals whose priors are to be asked for. */
  waiting: z.object({ forward: z.int(), priors: z.int(), commitment: z.int() }),
  /** What is not tried again. */
  failed: z.int().nonnegative(),
  /** Of the latest attempt that did not succeed. */
  lastFailure: z.string().max(300).nullable(),
});
export type EntityStatus = z.infer<typeof entityStatusSchema>;

export const echoRequestSchema = z.object({ title: aeTitleSchema });

const ratePointSchema = z.object({
  at: instantSchema,
  objects: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
});

export const entityViewSchema = z.object({
  title: z.string(),
  wish: putEntitySchema,
  changedAt: instantSchema,
  changedBy: z.string(),
  /** As each connected storage node sees it. */
  nodes: z.array(entityStatusSchema.extend({ nodeId: nodeIdSchema })),
  /** What came from it, by the minute, the oldest first. */
  rates: z.array(ratePointSchema),
});
export type EntityView = z.infer<typeof entityViewSchema>;

export const entityListSchema = z.object({
  revision: z.int(),
  unlisted: unlistedSchema,
  entities: z.array(entityViewSchema),
  /** Storage nodes, and whether what is here has reached them. */
  nodes: z.array(
    z.object({ nodeId: nodeIdSchema, aeTitle: z.string(), isConnected: z.boolean(), isCurrent: z.boolean() }),
  ),
  /** Seen by a storage node, but not listed. */
  strangers: z.array(entityStatusSchema.extend({ nodeId: nodeIdSchema })),
});
export type EntityList = z.infer<typeof entityListSchema>;

export const entityTestSchema = z.object({
  results: z.array(echoResultSchema.extend({ nodeId: nodeIdSchema })),
});
export type EntityTest = z.infer<typeof entityTestSchema>;
