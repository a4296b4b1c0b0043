import { z } from 'zod';
import { ProviderError, type ProviderFault } from '../../port/index.ts';

/** EC2 API Reference, "Error codes": those whose name does not tell. */
const faultsByCode: Readonly<Record<string, ProviderFault>> = {
  AuthFailure: 'auth',
  Blocked: 'auth',
  ExpiredToken: 'auth',
  InvalidClientTokenId: 'auth',
  MissingAuthenticationToken: 'auth',
  OptInRequired: 'auth',
  PendingVerification: 'auth',
  RequestExpired: 'auth',
  SignatureDoesNotMatch: 'auth',
  UnauthorizedOperation: 'auth',
  'InvalidAMIID.Unavailable': 'not-found',
  ConcurrentTagAccess: 'transient',
  DependencyViolation: 'conflict',
  IdempotentInstanceTerminated: 'conflict',
  IdempotentParameterMismatch: 'conflict',
  IncorrectInstanceState: 'conflict',
  IncorrectState: 'conflict',
  'InvalidGroup.Duplicate': 'conflict',
  'InvalidGroup.InUse': 'conflict',
  'InvalidIPAddress.InUse': 'conflict',
  'InvalidKeyPair.Duplicate': 'conflict',
  'InvalidSnapshot.InUse': 'conflict',
  'InvalidSubnet.Conflict': 'conflict',
  'Resource.AlreadyAssociated': 'conflict',
  VolumeInUse: 'conflict',
  RequestLimitExceeded: 'rate-limited',
  RequestThrottled: 'rate-limited',
  SlowDown: 'rate-limited',
  Throttling: 'rate-limited',
  ThrottlingException: 'rate-limited',
  Unsupported: 'invalid',
};

const namedFaults: readonly (readonly [RegExp, ProviderFault])[] = [
  [/\.?NotFound$/, 'not-found'],
  [/^Insufficient.*/, 'capacity'],
  [/LimitExceeded$/, 'quota'],
  [/AlreadyExists$|\.Duplicate$|\.InUse$/, 'conflict'],
];

/** What the SDK throws for an answer that tells of an error. */
const answeredSchema = z.object({
  name: z.string(),
  message: z.string(),
  $metadata: z.object({ httpStatusCode: z.int() }),
  $response: z.object({ headers: z.record(z.string(), z.string()) }),
});

/** What it throws when there was no answer. */
const brokenSchema = z.object({ name: z.string().default(''), code: z.string().optional() });

/** Such a connection was never made. */
const neverSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];

/** EC2 asks throttled callers to back off without saying for how long: its buckets refill within a second or a few. */
const backOffMs = 2_000;

/** `isChange`: whether the call may have had an effect when its outcome is not told. */
export function faultOf(error: unknown, isChange: boolean): ProviderError {
  if (error instanceof ProviderError) return error;
  const answered = answeredSchema.safeParse(error);
  if (!answered.success) return brokenFault(error, isChange);
  const { name, message, $metadata, $response } = answered.data;
  const fault = faultByName(name) ?? faultByStatus($metadata.httpStatusCode, isChange);
  const retryAfter = Number($response.headers['retry-after']);
  return new ProviderError(fault, `${name}: ${message}`.slice(0, 500), {
    ...(fault === 'rate-limited' && { retryAfterMs: retryAfter > 0 ? retryAfter * 1_000 : backOffMs }),
  });
}

function brokenFault(error: unknown, isChange: boolean): ProviderError {
  const { name, code = name } = brokenSchema.safeParse(error).data ?? { name: 'unknown' };
  if (/^ERR_TLS|CERT|^UNABLE_TO_/.test(code))
    return new ProviderError('auth', `The endpoint is not trusted: ${code}`, { cause: error });
  const fault = isChange && !neverSent.includes(code) ? 'unknown-outcome' : 'transient';
  return new ProviderError(fault, `The endpoint gave no answer (${code})`, { cause: error });
}

function faultByName(name: string): ProviderFault | undefined {
  return faultsByCode[name] ?? namedFaults.find(([pattern]) => pattern.test(name))?.[1];
}

function faultByStatus(status: number, isChange: boolean): ProviderFault {
  if (status === 401 || status === 403) return 'auth';
  if (status === 429) return 'rate-limited';
  if (status >= 500) return isChange ? 'unknown-outcome' : 'transient';
  return 'invalid';
}
