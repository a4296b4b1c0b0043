import { backoffMs } from '@medusa/kernel';
import type { ProviderError } from '../port/index.ts';
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

export function failureOf(
  { wish, status }: ResourceRecord,
  error: ProviderError,
  { call, now, random }: { call: Call | null; now: number; random: number },
): Failure {
  const attempts = status.attempts + 1;
  const isCreate = call?.action === 'create';
  const after = (pauseMs: number, more: Partial<Status> = {}): Failure['patch'] => ({
    ...{ attempts, nextTryAt: now + pauseMs, failedRevision: wish.revision },
    reason: error.message,
    ...more,
  });
  const made = (pauseMs: number, isElsewhere: boolean, more: Partial<Status> = {}): Failure => ({
    patch: after(pauseMs, more),
    againMs: pauseMs,
    isElsewhere: isElsewhere && isCreate,
  });
  switch (error.fault) {
    case 'unknown-outcome':
      // Looked into at once; nothing is repeated before that.
      return { patch: { reason: error.message }, againMs: 0, isElsewhere: false };
    case 'rate-limited':
      return made(error.retryAfterMs ?? backoffMs(attempts, random, retryLimits), false);
    case 'transient':
      return made(backoffMs(attempts - 1, random, retryLimits), attempts >= 3);
    case 'capacity':
    case 'quota':
      return made(backoffMs(attempts - 1, random, scarceLimits), true);
    case 'auth':
      return made(blockedMs, true);
    case 'conflict':
      return made(backoffMs(attempts, random, retryLimits), false);
    case 'not-found':
      // Of a create: an image, size or network that is not there. Of others: the thing itself; looking will tell.
      if (!isCreate) return made(attempts < 2 ? 0 : backoffMs(attempts, random, retryLimits), false);
      return made(blockedMs, true, blockedBy(wish.revision, error));
    case 'invalid':
      return made(blockedMs, true, blockedBy(wish.revision, error));
  }
}

function blockedBy(revision: number, { fault }: ProviderError): Partial<Status> {
  return { blocked: { fault, revision }, phase: 'error' };
}
