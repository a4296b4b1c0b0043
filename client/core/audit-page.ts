import { auditEventSchema, type AuditAction, type AuditEvent } from '@medusa/protocol';
import { z } from 'zod';

/** Empty strings mean "any". */
export type AuditFilter = {
  readonly action: AuditAction | '';
  readonly actor: string;
  readonly object: string;
  /** Events with a smaller sequence number; 0 = from the newest. */
  readonly before: number | '';
  readonly limit: number;
};

export const auditPageSchema = z.object({
  /** Newest first. */
  events: z.array(auditEventSchema),
});
export type AuditPage = { readonly events: readonly AuditEvent[] };
