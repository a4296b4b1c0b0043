import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import { titleSchema } from '../entities/registry.ts';

const modality = z.string().regex(/^[A-Z0-9_ ]{1,16}$/);
const senders = z.array(z.union([titleSchema, z.literal('STOW-RS')])).default([]);

const keepRuleSchema = z.strictObject({
  /** Only of what these sent; none: whoever did. */
  from: senders,
  /** Only of series of these; none: of any. */
  modalities: z.array(modality).default([]),
  /** From the last object of the study on. */
  days: z.number().positive().max(100_000),
});

const quotaSchema = z.strictObject({
  from: senders,
  /** What one study may come to. */
  studyGiB: z.number().positive().optional(),
  studyObjects: z.int().positive().optional(),
});

const policySchema = z.strictObject({
  /** What none of these fits is kept for ever. */
  keep: z.record(z.string().min(1).max(64), keepRuleSchema).default({}),
  /** `list`: what is due is told, and stays. */
  removal: z.enum(['list', 'delete']).default('list'),
  quotas: z.record(z.string().min(1).max(64), quotaSchema).default({}),
});
export type RetentionPolicy = z.infer<typeof policySchema>;
export type KeepRule = RetentionPolicy['keep'][string];

/** How long studies are kept, and how large they may be: a file that may change at any time. */
export interface PolicySource {
  /** As it was read last. */
  policy(): RetentionPolicy;
  /** Looks whether the file has changed; a broken one deletes nothing and limits nothing more than before. */
  refresh(): Promise<void>;
}

/** @throws when the file is not valid at the start */
export async function openPolicy(path: string | undefined, log: Logger): Promise<PolicySource> {
  const nothing = policySchema.parse({});
  if (path === undefined) return { policy: () => nothing, refresh: async () => undefined };
  const read = async (): Promise<RetentionPolicy> =>
    policySchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const version = async (): Promise<string> => {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  };
  let seen = await version();
  let policy = await read();
  return {
    policy: () => policy,
    async refresh() {
      try {
        const now = await version();
        if (now === seen) return;
        seen = now;
        policy = await read();
        log.info(
          { rules: Object.keys(policy.keep).length, removal: policy.removal },
          'retention policy read',
        );
      } catch (error) {
        // Who broke it may have meant to keep more.
        policy = { ...policy, removal: 'list' };
        log.error({ err: error }, 'the retention policy is broken; nothing is deleted until it is whole');
      }
    },
  };
}
