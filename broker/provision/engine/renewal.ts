import { backoffMs } from '@medusa/kernel';
import { decision, type Decision, type Facts } from './decision.ts';
import type { ResourceRecord } from './model.ts';

/**
 * A node must get no new session, and its sessions must have ended, before it is disturbed.
 * Undefined: it may be disturbed now.
 */
export function drainFirst(record: ResourceRecord, facts: Facts, why: string): Decision | undefined {
  if (!mayHaveSessions(record, facts)) return undefined;
  const { status } = record;
  const { drainSettleMs } = facts.limits;
  const live = facts.node?.liveSessions ?? 0;
  if (live > 0) {
    const reason = `${why}; ${live} ${live === 1 ? 'session' : 'sessions'} to end`;
    return decision({ phase: 'draining', reason, waiting: 'sessions', againMs: 15_000 });
  }
  const leftMs = status.phase === 'draining' ? status.phaseSince + drainSettleMs - facts.now : drainSettleMs;
  if (leftMs <= 0) return undefined;
  return decision({ phase: 'draining', reason: why, waiting: 'drain', againMs: Math.max(leftMs, 10) });
}

function mayHaveSessions({ wish, status }: ResourceRecord, { node }: Facts): boolean {
  const { spec } = wish;
  const isNode = spec.kind === 'machine' && spec.role !== 'plain';
  return isNode && status.made !== null && status.phase !== 'destroying' && node?.joinedAt != null;
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
