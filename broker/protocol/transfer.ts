import { z } from 'zod';
import { participantIdSchema, roleSchema, sessionIdSchema } from './ids.ts';

/** `copy`: text out of the display to the clipboard of who steers it; `paste`: the other way. Files have no way at all. */
export const transferSchema = z.enum(['copy', 'paste']);
export type Transfer = z.infer<typeof transferSchema>;

/** One text is never longer, whatever is configured: it goes as one property of the X server. */
export const mostTransferBytes = 131_072;

/** Which role may what; a role that is not named may nothing. */
export const transferRulesSchema = z.partialRecord(roleSchema, z.array(transferSchema));
export type TransferRules = z.infer<typeof transferRulesSchema>;

/** Of one participant in one session. */
export const transferRightsSchema = z.object({
  allowed: z.array(transferSchema),
  /** Of one text in UTF-8. */
  mostBytes: z.int().min(1).max(mostTransferBytes),
});
export type TransferRights = z.infer<typeof transferRightsSchema>;

/** The whole policy, as administrators see it. */
export const transferPolicySchema = z.object({
  roles: z.array(z.object({ role: roleSchema, allowed: z.array(transferSchema) })),
  /** `atMost` null: whatever the role may. */
  applications: z.array(
    z.object({ id: z.string(), name: z.string(), atMost: z.array(transferSchema).nullable() }),
  ),
  mostBytes: z.int(),
  /** Displays have no channel for files. */
  files: z.literal('denied'),
});
export type TransferPolicy = z.infer<typeof transferPolicySchema>;

export const transferRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('copy') }),
  z.strictObject({ kind: z.literal('paste'), text: z.string().min(1).max(mostTransferBytes) }),
]);
export type TransferRequest = z.infer<typeof transferRequestSchema>;

/** `text` null: nothing was copied, or nothing that is text. */
export const transferResponseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('copy'), text: z.string().max(mostTransferBytes).nullable() }),
  z.object({ kind: z.literal('paste') }),
]);
export type TransferResponse = z.infer<typeof transferResponseSchema>;

/** Broker → render node, which takes the rights from here and from nobody else. */
export const relayedTransferSchema = z.object({
  sessionId: sessionIdSchema,
  participantId: participantIdSchema,
  rights: transferRightsSchema,
  request: transferRequestSchema,
});
export type RelayedTransfer = z.infer<typeof relayedTransferSchema>;
