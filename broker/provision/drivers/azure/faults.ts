import { z } from 'zod';
import { ProviderError, type EndpointAnswer, type ProviderFault } from '../../port/index.ts';

/** ARM's error document (Azure REST guidelines; OData 4 JSON "error"), and the one of OAuth 2 (RFC 6749 section 5.2). */
const errorSchema = z.object({
  error: z.union([
    z.object({
      code: z.string().default(''),
      message: z.string().default(''),
      details: z.array(z.object({ code: z.string().default('') })).nullish(),
    }),
    z.string(),
  ]),
  error_description: z.string().optional(),
});

/** "Troubleshoot common Azure deployment errors" and the error codes of Compute and Network. */
const namedFaults: readonly (readonly [RegExp, ProviderFault])[] = [
  [/^(SkuNotAvailable|(Zonal)?AllocationFailed|Overconstrained(Zonal)?AllocationRequest)$/, 'capacity'],
  [/QuotaExceeded|LimitReached|LimitExceeded|MaxStorageAccountsCountPerSubscriptionExceeded/, 'quota'],
  [/^(TooManyRequests|SubscriptionRequestsThrottled|ResourceCollectionRequestsThrottled)$/, 'rate-limited'],
  [
    /^InUse|InUse$|CannotBeDeleted|ReservedForAnotherVm|AlreadyExists|AttachDiskWhileBeingDetached/,
    'conflict',
  ],
  [/NotFound$/, 'not-found'],
];

const faultsByStatus: Readonly<Record<number, ProviderFault>> = {
  400: 'invalid',
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  429: 'rate-limited',
};

/** `isChange`: whether the call may have had an effect when the service itself failed. */
export function faultOf(answer: EndpointAnswer, isChange: boolean): ProviderError {
  const { code, message } = readError(answer.text);
  const text = `${code || `HTTP ${answer.status}`}: ${message}`.slice(0, 500);
  const fault = namedFault(code, message) ?? faultByStatus(answer.status, isChange);
  const retryAfterSeconds = Number(answer.headers['retry-after']);
  if (answer.status === 429 || fault === 'rate-limited')
    return new ProviderError('rate-limited', text, {
      retryAfterMs: retryAfterSeconds > 0 ? retryAfterSeconds * 1_000 : 5_000,
    });
  return new ProviderError(fault, text);
}

/** How an operation that was accepted and went on by itself failed. */
export function asyncFaultOf(text: string): ProviderError {
  const { code, message } = readError(text);
  return new ProviderError(namedFault(code, message) ?? 'transient', `${code}: ${message}`.slice(0, 500));
}

function namedFault(code: string, message: string): ProviderFault | undefined {
  // Quotas of cores are told as `OperationNotAllowed`, and only the message says so.
  if (code === 'OperationNotAllowed' && /quota/i.test(message)) return 'quota';
  return namedFaults.find(([pattern]) => pattern.test(code))?.[1];
}

function faultByStatus(status: number, isChange: boolean): ProviderFault {
  return faultsByStatus[status] ?? (status >= 500 ? (isChange ? 'unknown-outcome' : 'transient') : 'invalid');
}

function readError(text: string): { code: string; message: string } {
  try {
    const { error, error_description: description } = errorSchema.parse(JSON.parse(text));
    if (typeof error === 'string') return { code: error, message: description ?? '' };
    const inner = error.details?.[0]?.code ?? '';
    return { code: isVague(error.code) && inner !== '' ? inner : error.code, message: error.message };
  } catch {
    return { code: '', message: 'the answer tells no reason' };
  }
}

const isVague = (code: string): boolean => code === '' || code === 'Conflict' || code === 'BadRequest';
