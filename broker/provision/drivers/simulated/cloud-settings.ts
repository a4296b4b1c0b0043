import { providerCatalogSchema, resourceKindSchema } from '@medusa/protocol';
import { z } from 'zod';

const share = z.number().min(0).max(1).default(0);
const ms = z.number().min(0).max(3_600_000);

/** How the simulated cloud misbehaves. Shares are of calls, 0 to 1; all that is left out does not happen. */
export const cloudFaultsSchema = z.strictObject({
  /** Answers 429 with Retry-After, and does nothing. */
  throttle: share,
  retryAfterSeconds: z.int().min(0).max(3_600).default(1),
  /** A changing call that answers 500, or breaks the connection: before anything was done, or after all of it was. */
  errorBefore: share,
  errorAfter: share,
  breakBefore: share,
  breakAfter: share,
  /** Creates a second thing although the token was used before. */
  ignoreToken: share,
  /** Lists on two pages what belongs on one. */
  duplicatePages: share,
  /** Machines that end in error instead of running. */
  failedBoot: share,
  /** For so long an accepted create is not found by any call. */
  invisibleMs: ms.default(0),
  /** Reads tell what was so long ago. */
  staleMs: ms.default(0),
  /** So much longer until something destroyed is gone. */
  slowDestroyMs: ms.default(0),
});

const sizeSchema = providerCatalogSchema.shape.sizes.element.extend({
  /** How many machines of this size there can be, in each zone. null: any number. */
  perZone: z.int().min(0).nullable().default(null),
});

const defaultSizes: z.input<typeof sizeSchema>[] = [
  { id: 'small', name: 'small', cpus: 2, memoryMiB: 4_096, gpu: null, encoder: null },
  { id: 'large', name: 'large', cpus: 8, memoryMiB: 32_768, gpu: null, encoder: null },
  {
    id: 'gpu',
    name: 'gpu',
    cpus: 8,
    memoryMiB: 65_536,
    gpu: { model: 'T4', count: 1 },
    encoder: 'nvenc',
    perZone: 4,
  },
].map((size) => ({ ...size, diskGiB: 20, architecture: 'x64' as const }));

export const cloudSettingsSchema = z.strictObject({
  zones: z.array(z.string()).min(1).default(['zone-a', 'zone-b']),
  sizes: z.array(sizeSchema).prefault(defaultSizes),
  images: providerCatalogSchema.shape.images.default([
    { id: 'medusa', name: 'Medusa node', architecture: 'x64' },
  ]),
  /** Network that floating addresses come from; RFC 5737. */
  addresses: z.cidrv4().default('203.0.113.0/24'),
  quotas: z.partialRecord(resourceKindSchema, z.int().min(0)).default({}),
  /** From accepted to running: log-normal, as boots are, by its median and its 95th percentile. */
  bootMs: z.strictObject({ median: ms, p95: ms }).default({ median: 2_000, p95: 4_000 }),
  /** Other things, until they can be used. */
  readyMs: ms.default(200),
  destroyMs: ms.default(500),
  /** How long each call takes. */
  callMs: ms.default(5),
  uniqueNames: z.boolean().default(false),
  honoursTokens: z.boolean().default(true),
  pageSize: z.int().min(1).max(1_000).default(500),
  /** Who calls must show it. null: anybody may. */
  token: z.string().min(1).nullable().default(null),
  faults: cloudFaultsSchema.prefault({}),
});
export type CloudSettings = z.infer<typeof cloudSettingsSchema>;
