import { backoffMs } from '@medusa/kernel';
import { decision, type Decision, type Facts } from './decision.ts';
import type { ResourceRecord } from './model.ts';

/**
 * A node must get no new session, and its sessions must have ended, before it is disturbed.
 * Undefined: it may be disturbed now.
 */
export function drainFirst(record: ResourceRecord, facts: Facts, why: string): Decision | undefined {
  const { wish, status } = record;
  if (wish.spec.kind !== 'machine' || wish.spec.role === 'plain' || status.made === null) return undefined;
  if (status.phase === 'destroying') return undefined;
  const live = facts.node?.liveSessions ?? 0;
  const isDraining = status.phase === 'draining';
  const leftMs = isDraining ? status.phaseSince + facts.limits.drainSettleMs - facts.now : 1;
  const hadNode = facts.node?.joinedAt !== null && facts.node !== null;
  if (!hadNode || (live === 0 && leftMs <= 0)) return undefined;
  const reason = live > 0 ? `${why}; ${live} ${live === 1 ? 'session' : 'sessions'} to end` : why;
  return decision({
    phase: 'draining',
    reason,
    waiting: live > 0 ? 'sessions' : 'drain',
    againMs: live > 0 ? 15_000 : Math.max(leftMs, isDraining ? 50 : facts.limits.drainSettleMs),
  });
}

/** The next incarnation: what is left of this one is destroyed, then another is made. The first at once, in a row ever later. */
export function renew({ status, wish }: ResourceRecord, why: string, now: number): Decision {
  const quietMs = 600_000;
  const isQuiet = status.phase === 'ready' && now - status.phaseSince > quietMs;
  const crashes = isQuiet ? 1 : status.crashes + 1;
  const pauseMs = crashes < 2 ? 0 : backoffMs(crashes - 2, 1, { firstMs: 1_000, mostMs: 300_000 });
  return decision({
    phase: 'planned',
    reason: `Replaced: ${why}`,
    patch: {
      incarnation: status.incarnation + 1,
      ...{ ref: null, seen: null, made: null, runningSince: null, remediedAt: null },
      ...{
        attempts: 0,
        crashes,
        nextTryAt: pauseMs === 0 ? null : now + pauseMs,
        failedRevision: wish.revision,
      },
    },
    againMs: 0,
  });
}
