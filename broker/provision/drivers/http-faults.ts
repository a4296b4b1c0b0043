import { ProviderError, type EndpointAnswer, type ProviderFault } from '../port/index.ts';

const faults: Readonly<Record<number, ProviderFault>> = {
  400: 'invalid',
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  405: 'invalid',
  409: 'conflict',
  412: 'conflict',
  422: 'invalid',
  429: 'rate-limited',
};

/** What a status says by itself. A server's error after a change was sent leaves its outcome open. */
export function faultOfStatus(
  { status, headers }: Pick<EndpointAnswer, 'status' | 'headers'>,
  { what, isChange, reason }: { what: string; isChange: boolean; reason?: string | undefined },
): ProviderError {
  const retryAfter = Number(headers['retry-after']);
  const isPutOff = status === 503 && Number.isFinite(retryAfter);
  const fault =
    faults[status] ??
    (isPutOff ? 'rate-limited' : isChange && status >= 500 ? 'unknown-outcome' : 'transient');
  const options = Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1_000 } : {};
  return new ProviderError(fault, `${what}: ${reason ?? `status ${status}`}`, options);
}
