import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import {
  aeTitleSchema as titleSchema,
  entityPermissionSchema,
  type EntityPermission,
} from '@medusa/protocol';
import { z } from 'zod';

export { aeTitleSchema as titleSchema } from '@medusa/protocol';

const permissions = entityPermissionSchema.options;
export type Permission = EntityPermission;

const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(':', '').toUpperCase())
  .refine((text) => /^[0-9A-F]{64}$/.test(text), 'A SHA-256 fingerprint has 64 hexadecimal digits');

const entitySchema = z.strictObject({
  /** Where it listens; without it nothing can be sent there. */
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65_535).optional(),
  /** `required`: plaintext is refused from it, and never tried towards it. `off`: it has none. */
  tls: z.enum(['required', 'off']).default('required'),
  /** Any one of them; none: its title must be the common name of its certificate. */
  certificates: z
    .array(
      z.union([
        z.strictObject({ fingerprint256: fingerprint }),
        z.strictObject({ commonName: z.string().min(1) }),
      ]),
    )
    .default([]),
  may: z.array(z.enum(permissions)).default(['store']),
  /** What it may store; none: whatever this node takes. */
  sopClasses: z.array(z.string().regex(/^[0-9.]{1,64}$/)).default([]),
  /** More of it is refused until the next day (UTC). */
  mostGiBPerDay: z.number().positive().optional(),
});
export type Entity = z.infer<typeof entitySchema>;

const modality = z.string().regex(/^[A-Z0-9_ ]{1,16}$/);
const forwardRuleSchema = z.strictObject({
  to: titleSchema,
  /** Only what these sent; none: whoever did. Never back to the sender. */
  from: z.array(titleSchema).default([]),
  modalities: z.array(modality).default([]),
});

const priorsRuleSchema = z.strictObject({
  from: titleSchema,
  most: z.int().min(1).max(50).default(5),
  /** Of the prior; none: any. */
  modalities: z.array(modality).default([]),
  /** `get`: over the association that we ask for, where none may come in. */
  by: z.enum(['move', 'get']).default('move'),
});
export type PriorsRule = z.infer<typeof priorsRuleSchema>;

const registrySchema = z.strictObject({
  /** What application entities that are not listed may: store, or nothing at all. */
  unlisted: z.enum(['store', 'refused']).default('store'),
  entities: z.record(titleSchema, entitySchema).default({}),
  /** What comes in goes on: every object from the moment the rule is there. */
  forward: z.record(z.string().min(1), forwardRuleSchema).default({}),
  /** When a study arrives, earlier ones of the patient are asked for. */
  priors: z.record(z.string().min(1), priorsRuleSchema).default({}),
});
export type Registry = z.infer<typeof registrySchema>;

/** The application entities that this node knows: a file that may change at any time. */
export interface EntityRegistry {
  current(): Promise<Registry>;
}

/** @throws when the file is not valid at the start. Later a broken file changes nothing. */
export async function openRegistry(path: string | undefined, log: Logger): Promise<EntityRegistry> {
  let registry = registrySchema.parse({});
  if (path === undefined) return { current: async () => registry };
  let seen = await versionOf(path);
  registry = await read(path);
  return {
    async current() {
      try {
        const version = await versionOf(path);
        if (version === seen) return registry;
        seen = version;
        registry = await read(path);
        log.info(
          { entities: Object.keys(registry.entities).length },
          'registry of application entities read',
        );
      } catch (error) {
        log.error(
          { err: error },
          'registry of application entities is broken; the one before stays in force',
        );
      }
      return registry;
    },
  };
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}

async function read(path: string): Promise<Registry> {
  return registrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
}
