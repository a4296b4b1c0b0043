import type { Placement, SessionState, SessionStep, SessionView } from '@medusa/protocol';
import { incarnationOf, isRecovering, type SessionRecord } from './session-record.ts';

export type SessionEvent =
  | { readonly kind: 'begin-placing' }
  | { readonly kind: 'queue'; readonly queue: NonNullable<SessionView['queue']> }
  | { readonly kind: 'queue-again'; readonly queue: NonNullable<SessionView['queue']> }
  | { readonly kind: 'place'; readonly placement: Placement }
  | { readonly kind: 'start'; readonly commandAtMs: number }
  | { readonly kind: 'stream' }
  | { readonly kind: 'suspend' }
  /** Of the life with this number: its node is lost, and another one is looked for. */
  | { readonly kind: 'lose'; readonly incarnation: number; readonly reason: string }
  | { readonly kind: 'join' }
  | { readonly kind: 'step'; readonly step: SessionStep }
  | { readonly kind: 'close'; readonly reason: string }
  | { readonly kind: 'closed' }
  | { readonly kind: 'fail'; readonly code: string; readonly detail: string };

/** The event does not fit the state. */
export type Rejected = { readonly kind: 'rejected'; readonly reason: string };

const beforeEnd: readonly SessionState[] = [
  'requested',
  'queued',
  'placing',
  'provisioning',
  'starting',
  'streaming',
  'suspended',
];

/** In which states an event may happen. All else is rejected. */
const allowed: Readonly<Record<SessionEvent['kind'], readonly SessionState[]>> = {
  'begin-placing': ['requested', 'queued'],
  // Not from `provisioning`: another broker may have placed it since this one looked.
  queue: ['requested', 'queued', 'placing'],
  // The broker was restarted before the node had its command.
  'queue-again': ['requested', 'queued', 'placing', 'provisioning'],
  place: ['placing'],
  start: ['provisioning'],
  // From `requested` in local mode, where no node is needed.
  stream: ['requested', 'starting', 'suspended'],
  suspend: ['starting', 'streaming'],
  lose: ['provisioning', 'starting', 'streaming', 'suspended'],
  join: beforeEnd,
  step: beforeEnd,
  close: beforeEnd,
  closed: [...beforeEnd, 'closing'],
  fail: [...beforeEnd, 'closing'],
};

const mostSteps = 40;
/** Who streamed so long after a recovery has got over it: the next loss is counted anew. */
const calmMs = 60_000;

type Change<Event extends SessionEvent> = (
  event: Event,
  record: SessionRecord,
  at: string,
) => Partial<SessionRecord>;

/** What each event changes, once it is allowed. */
const changes: { readonly [Kind in SessionEvent['kind']]: Change<Extract<SessionEvent, { kind: Kind }>> } = {
  'begin-placing': () => ({ state: 'placing' }),
  queue: ({ queue }) => ({ state: 'queued', queue, nodeId: null, placement: null }),
  'queue-again': ({ queue }) => ({ state: 'queued', queue, nodeId: null, placement: null }),
  place: ({ placement }) => ({ state: 'provisioning', queue: null, placement, nodeId: placement.nodeId }),
  start: ({ commandAtMs }) => ({ state: 'starting', commandAtMs }),
  stream: (_event, { streamingAt, recovery }, at) => ({
    state: 'streaming',
    streamingAt: streamingAt ?? at,
    ...(recovery && { recovery: { ...recovery, recoveredAt: recovery.recoveredAt ?? at } }),
  }),
  suspend: () => ({ state: 'suspended' }),
  lose: ({ reason }, record, at) => ({
    ...{ state: 'placing', nodeId: null, placement: null, queue: null, commandAtMs: null },
    incarnation: incarnationOf(record) + 1,
    recovery: {
      ...{ attempt: nextAttempt(record, at), reason, lostNodeId: record.nodeId, recoveredAt: null },
      // The user waits since the first loss, however many nodes are tried.
      lostAt: record.recovery && isRecovering(record) ? record.recovery.lostAt : at,
    },
  }),
  join: (_event, { joinedAt }, at) => ({ joinedAt: joinedAt ?? at }),
  step: ({ step }, { steps }) => ({ steps: [...steps, step].slice(0, mostSteps) }),
  close: ({ reason }) => ({ state: 'closing', queue: null, closeReason: reason }),
  closed: (_event, _record, at) => ({ state: 'closed', queue: null, closedAt: at }),
  fail: ({ code, detail }, _record, at) => ({
    state: 'failed',
    queue: null,
    failure: { code, detail },
    closedAt: at,
  }),
};

/** How often in a row it would have been opened anew. */
export function nextAttempt({ recovery }: Pick<SessionRecord, 'recovery'>, at: string): number {
  if (!recovery) return 1;
  const { attempt, recoveredAt } = recovery;
  const isCalm = recoveredAt !== null && Date.parse(at) - Date.parse(recoveredAt) > calmMs;
  return isCalm ? 1 : attempt + 1;
}

/** The one place that knows how a session's state may change (requested → … → closed | failed). */
export function transition(record: SessionRecord, event: SessionEvent, at: Date): SessionRecord | Rejected {
  if (!allowed[event.kind].includes(record.state))
    return { kind: 'rejected', reason: `A session that is ${record.state} cannot ${event.kind}` };
  if (event.kind === 'lose' && event.incarnation !== incarnationOf(record))
    return { kind: 'rejected', reason: 'Another life of this session has begun' };
  const change = changes[event.kind] as Change<SessionEvent>;
  return { ...record, ...change(event, record, at.toISOString()) };
}

export function isRejected(outcome: SessionRecord | Rejected): outcome is Rejected {
  return 'kind' in outcome;
}
