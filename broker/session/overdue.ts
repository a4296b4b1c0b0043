import type { SessionRecord } from './session-record.ts';

export type OverdueFacts = {
  readonly nowMs: number;
  /** How long its node has been silent, see `silenceMs`. */
  readonly unreachableMs: number;
  /** A viewer has said lately that its picture comes. */
  readonly isSeen: boolean;
  readonly joinMs: number;
  /** How long a local session's token is good. */
  readonly localMs: number;
};

export type Overdue =
  | { readonly kind: 'close'; readonly reason: string }
  | { readonly kind: 'fail'; readonly code: string; readonly reason: string }
  /** Its node is given up: another one is to be found for it. */
  | { readonly kind: 'lose'; readonly reason: string };

/** How long no broker has had anything of a node that has no link here; its link may be another broker's. Times in ms. */
export function silenceMs(
  nowMs: number,
  { awaySinceMs, heardMs }: { readonly awaySinceMs: number; readonly heardMs: number | null },
): number {
  return Math.max(0, nowMs - Math.max(awaySinceMs, heardMs ?? 0));
}

const startLimitMs = 120_000;
/** How long the sessions of a silent node are kept before they are given up. */
const unreachableLimitMs = 60_000;

/** Whether a session has waited too long for something, and what becomes of it then. */
export function findOverdue(record: SessionRecord, facts: OverdueFacts): Overdue | undefined {
  const ageMs = facts.nowMs - Date.parse(record.createdAt);
  if (record.mode === 'local')
    return ageMs > facts.localMs ? { kind: 'close', reason: 'The time is up' } : undefined;
  // Media does not cross the broker: whoever sees a picture loses nothing by a link that is gone.
  if (facts.unreachableMs > unreachableLimitMs && !facts.isSeen)
    return { kind: 'lose', reason: 'The render node did not come back' };
  if (record.state === 'starting' && ageMs - (record.commandAtMs ?? ageMs) > startLimitMs)
    return { kind: 'fail', code: 'session.start-failed', reason: 'The application did not start in time' };
  return isDeserted(record, facts) ? { kind: 'close', reason: 'Nobody joined' } : undefined;
}

function isDeserted({ streamingAt, joinedAt }: SessionRecord, { nowMs, joinMs }: OverdueFacts): boolean {
  return joinedAt === null && streamingAt !== null && nowMs - Date.parse(streamingAt) > joinMs;
}
