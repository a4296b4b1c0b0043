import { z } from 'zod';
import { instantSchema, uidSchema } from './ids.ts';

/** What a person or a rule has decided about a study: a legal hold, its end, or that it was removed. */
export const rulingSchema = z.object({
  studyInstanceUID: uidSchema,
  kind: z.enum(['hold', 'unhold', 'removed']),
  at: instantSchema,
  /** A user's id, or the rule. */
  by: z.string().max(256),
  reason: z.string().max(1024),
});
export type Ruling = z.infer<typeof rulingSchema>;

/** All that was decided about one study, the oldest first. */
export const retentionSchema = z.object({ isHeld: z.boolean(), rulings: z.array(rulingSchema) });

/** Studies under a legal hold, the latest first: each with the ruling that holds it. */
export const heldStudiesSchema = z.object({ studies: z.array(rulingSchema), total: z.int().nonnegative() });
export type HeldStudies = z.infer<typeof heldStudiesSchema>;

export const rulingRequestSchema = z.strictObject({ reason: z.string().trim().min(1).max(1024) });

/** Studies whose retention period is over and that are still there, as of the node's last look. */
export const dueStudiesSchema = z.object({
  studies: z.array(
    z.object({ studyInstanceUID: uidSchema, rule: z.string(), dueAt: instantSchema, isHeld: z.boolean() }),
  ),
  total: z.int().nonnegative(),
});
export type DueStudies = z.infer<typeof dueStudiesSchema>;
