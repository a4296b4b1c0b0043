import { AppError } from '@medusa/protocol';
import { z } from 'zod';

const errorsSchema = z.array(z.object({ pointer: z.string(), message: z.string() }));

/** What the broker found wrong with the input, by JSON pointer (RFC 6901). */
export function faultsOf(error: unknown): ReadonlyMap<string, string> {
  if (!(error instanceof AppError)) return new Map();
  const errors = errorsSchema.safeParse(error.details['errors']).data ?? [];
  return new Map(errors.map(({ pointer, message }) => [pointer, message]));
}
