import { backoffMs } from '@medusa/kernel';
import type { ProviderError, ProviderFault } from '../port/index.ts';
import type { Call } from './decision.ts';
import type { ResourceRecord, Status } from './model.ts';

/** What a failed call or look means for the status. `isElsewhere`: another provider of the pool may do better. */
export type Failure = {
  readonly patch: Partial<Status>;
  readonly againMs: number;
  readonly isElsewhere: boolean;
};

const retryLimits = { firstMs: 1_000, mostMs: 300_000 };
/** Capacity does not come back in a second. */
const scarceLimits = { firstMs: 15_000, mostMs: 300_000 };
/** Credentials and settings are put right by people: they make it look at once. */
const blockedMs = 300_000;

type Response = { readonly pauseMs: number; readonly isElsewhere: boolean; readonly isBlocked: boolean };

export function failureOf(
  { wish, status }: ResourceRecord,
  error: ProviderError,
  { call, now, random }: { call: Call | null; now: number; random: number },
): Failure {
  const attempts = status.attempts + 1;
  // Looked into at once; what has to be made again after that is paced when it goes wrong time after time.
  if (error.fault === 'unknown-outcome') {
    const nextTryAt = attempts < 2 ? null : now + backoffMs(attempts - 2, random, retryLimits);
    const patch = { attempts, nextTryAt, failedRevision: wish.revision, reason: error.message };
    return { patch, againMs: 0, isElsewhere: false };
  }
  const isCreate = call?.action === 'create';
  const { pauseMs, isElsewhere, isBlocked } = responses[error.fault]({ error, attempts, isCreate, random });
  return {
    patch: {
      ...{ attempts, nextTryAt: now + pauseMs, failedRevision: wish.revision, reason: error.message },
      ...(isBlocked && { blocked: { fault: error.fault, revision: wish.revision }, phase: 'error' }),
    },
    againMs: pauseMs,
    isElsewhere: isElsewhere && isCreate,
  };
}

type Trouble = {
  readonly error: ProviderError;
  readonly attempts: number;
  readonly isCreate: boolean;
  readonly random: number;
};
const retry = (pauseMs: number): Response => ({ pauseMs, isElsewhere: false, isBlocked: false });
const elsewhere = (pauseMs: number): Response => ({ pauseMs, isElsewhere: true, isBlocked: false });
const blocked: Response = { pauseMs: blockedMs, isElsewhere: true, isBlocked: true };
const scarce = ({ attempts, random }: Trouble): Response =>
  elsewhere(backoffMs(attempts - 1, random, scarceLimits));

const responses: Record<Exclude<ProviderFault, 'unknown-outcome'>, (trouble: Trouble) => Response> = {
  'rate-limited': ({ error, attempts, random }) =>
    retry(error.retryAfterMs ?? backoffMs(attempts, random, retryLimits)),
  transient: ({ attempts, random }) => {
    const pauseMs = backoffMs(attempts - 1, random, retryLimits);
    return attempts >= 3 ? elsewhere(pauseMs) : retry(pauseMs);
  },
  capacity: scarce,
  quota: scarce,
  auth: () => elsewhere(blockedMs),
  conflict: ({ attempts, random }) => retry(backoffMs(attempts, random, retryLimits)),
  // Of a create: an image, size or network that is not there. Of others: the thing itself; looking will tell.
  'not-found': ({ attempts, random, isCreate }) =>
    isCreate ? blocked : retry(attempts < 2 ? 0 : backoffMs(attempts, random, retryLimits)),
  invalid: () => blocked,
};
