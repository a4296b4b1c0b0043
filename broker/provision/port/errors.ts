import { AppError } from '@medusa/protocol';

/**
 * What went wrong at a provider, in the words the engine acts upon.
 *
 * - `auth`: the credentials are refused. `not-found`, `conflict`: about the thing named in the call.
 * - `quota`, `capacity`: the account's limit is reached; the provider itself has nothing free (e.g. OpenStack's `NoValidHost`).
 * - `rate-limited`: ask again after `retryAfterMs`. `invalid`: asking again cannot help.
 * - `transient`: nothing was changed, asking again may help.
 * - `unknown-outcome`: a changing call whose effect is not known (time-out, broken connection, 5xx after it was sent).
 *   Only looking can tell; it must never be repeated blindly.
 */
export type ProviderFault =
  | 'auth'
  | 'not-found'
  | 'conflict'
  | 'quota'
  | 'capacity'
  | 'rate-limited'
  | 'invalid'
  | 'transient'
  | 'unknown-outcome';

/** `message` is shown to administrators: it names the provider's own word for the fault and never a secret. */
export class ProviderError extends AppError {
  readonly fault: ProviderFault;
  readonly retryAfterMs: number | undefined;

  constructor(
    fault: ProviderFault,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super('provider.failed', message, { cause: options.cause, fault });
    this.name = 'ProviderError';
    this.fault = fault;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Without `faults`: any of them. */
export function isProviderFault(error: unknown, ...faults: ProviderFault[]): error is ProviderError {
  return error instanceof ProviderError && (faults.length === 0 || faults.includes(error.fault));
}
