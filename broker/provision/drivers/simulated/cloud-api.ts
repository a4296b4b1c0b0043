import {
  networkSpecSchema,
  providerCatalogSchema,
  resourceKindSchema,
  securityRuleSchema,
} from '@medusa/protocol';
import { z } from 'zod';

/** What the simulated cloud and its driver say to each other; the driver parses what it reads by these too. */
const tagSchema = z.object({ owner: z.string(), resource: z.string(), incarnation: z.int() });

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('blank') }),
  z.object({ kind: z.enum(['snapshot', 'volume']), ref: z.string() }),
]);

export const specSchemas = {
  machine: z.object({
    image: z.string(),
    size: z.string(),
    zone: z.string().nullable(),
    networkRefs: z.array(z.string()),
    securityGroupRefs: z.array(z.string()),
    keyName: z.string().nullable(),
    guest: z.object({ environment: z.record(z.string(), z.string()), userData: z.string() }),
  }),
  volume: z.object({ sizeGiB: z.int(), type: z.string().nullable(), zone: z.string().nullable(), source }),
  snapshot: z.object({ volumeRef: z.string() }),
  network: networkSpecSchema,
  address: z.object({ from: z.string().nullable() }),
  'security-group': z.object({ rules: z.array(securityRuleSchema) }),
  image: z.object({ architecture: z.string(), contentHash: z.string() }),
};

export const createBodySchema = z.object({
  name: z.string(),
  tag: tagSchema,
  token: z.string(),
  spec: z.unknown(),
});

const item = {
  ref: z.string(),
  name: z.string(),
  tag: tagSchema,
  state: z.enum(['pending', 'running', 'stopping', 'stopped', 'suspended', 'error', 'terminated']),
  detail: z.string(),
  createdAt: z.iso.datetime().transform((text) => new Date(text)),
};

export const itemSchemas = {
  machine: z.object({
    ...item,
    addresses: z.array(z.string()),
    image: z.string(),
    size: z.string(),
    zone: z.string(),
  }),
  volume: z.object({
    ...item,
    sizeGiB: z.int(),
    attachedTo: z.object({ machineRef: z.string(), device: z.string() }).nullable(),
  }),
  snapshot: z.object({ ...item, volumeRef: z.string(), sizeGiB: z.int() }),
  network: z.object({ ...item, cidrs: z.array(z.string()), segment: z.int().nullable() }),
  address: z.object({ ...item, address: z.string(), assignedTo: z.string().nullable() }),
  'security-group': z.object({ ...item, rules: z.array(securityRuleSchema) }),
  image: z.object({ ...item, architecture: z.string(), contentHash: z.string() }),
};

export const pageSchema = <Thing extends z.ZodType>(
  thing: Thing,
): z.ZodType<{ items: z.output<Thing>[]; next: string | null }> =>
  z.object({ items: z.array(thing), next: z.string().nullable() });

export const errorCodes = [
  'unauthorized',
  'not-found',
  'conflict',
  'quota',
  'capacity',
  'throttled',
  'invalid',
  'internal',
] as const;
export const errorSchema = z.object({ error: z.object({ code: z.enum(errorCodes), message: z.string() }) });

export const statusSchema = z.object({
  version: z.string(),
  quotas: z.array(z.object({ kind: resourceKindSchema, used: z.int(), limit: z.int().nullable() })),
});
export const catalogSchema = providerCatalogSchema;
export const changesSchema = z.object({ after: z.int(), refs: z.array(z.string()) });
