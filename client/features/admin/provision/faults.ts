import { AppError } from '@medusa/protocol';
import { z } from 'zod';

const errorsSchema = z.array(z.object({ pointer: z.string(), message: z.string() }));

/** What the broker found wrong with the input, by JSON pointer (RFC 6901). */
export function faultsOf(error: unknown): ReadonlyMap<string, string> {
  if (!(error instanceof AppError)) return new Map();
  const errors = errorsSchema.safeParse(error.details['errors']).data ?? [];
  const byPointer = Map.groupBy(errors, ({ pointer }) => pointer);
  return new Map(
    [...byPointer].map(([pointer, all]) => [pointer, all.map(({ message }) => message).join('; ')]),
  );
}
