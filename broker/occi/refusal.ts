import { AppError } from '@medusa/protocol';

/** 405, with the methods that there are (RFC 9110 §15.5.6). */
export function methodRefused(message: string, allow: readonly string[]): AppError {
  return new AppError('occi.method-refused', message, { allow });
}
