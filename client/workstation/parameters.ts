import { uidSchema } from '@medusa/protocol';
import { z } from 'zod';

const parametersSchema = z.object({
  study: uidSchema,
  mode: z.enum(['streamed', 'local']),
  rendering: z.enum(['cpu', 'webgl']),
});

/** What the address of the page says: which study, where the page runs, and how it draws stacks. */
export type Parameters = z.infer<typeof parametersSchema>;

/** The parameters, or a sentence for each one that does not fit. */
export function parseParameters(search: string): Parameters | { readonly complaints: readonly string[] } {
  const given = Object.fromEntries(new URLSearchParams(search));
  const parsed = parametersSchema.safeParse(given);
  if (parsed.success) return parsed.data;

  return {
    complaints: parsed.error.issues.map((issue) => {
      const name = issue.path.join('.');
      return name in given ? `${name}: ${issue.message}` : `${name}: missing`;
    }),
  };
}
