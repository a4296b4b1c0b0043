import type { Placement, SessionState, SessionStep, SessionView } from '@medusa/protocol';
import type { SessionRecord } from './session-record.ts';

export type SessionEvent =
  | { readonly kind: 'begin-placing' }
  | { readonly kind: 'queue'; readonly queue: NonNullable<SessionView['queue']> }
  | { readonly kind: 'place'; readonly placement: Placement }
  | { readonly kind: 'start'; readonly commandAtMs: number }
  | { readonly kind: 'stream' }
  | { readonly kind: 'suspend' }
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
  // From `provisioning` when the broker was restarted before the node had its command.
  queue: ['requested', 'queued', 'placing', 'provisioning'],
  place: ['placing'],
  start: ['provisioning'],
  // From `requested` in local mode, where no node is needed.
  stream: ['requested', 'starting', 'suspended'],
  suspend: ['starting', 'streaming'],
  join: beforeEnd,
  step: beforeEnd,
  close: beforeEnd,
  closed: [...beforeEnd, 'closing'],
  fail: [...beforeEnd, 'closing'],
};

const mostSteps = 40;

/** The one place that knows how a session's state may change (HOUSE: requested → … → closed | failed). */
export function transition(record: SessionRecord, event: SessionEvent, at: Date): SessionRecord | Rejected {
  if (!allowed[event.kind].includes(record.state))
    return { kind: 'rejected', reason: `A session that is ${record.state} cannot ${event.kind}` };
  const instant = at.toISOString();
  switch (event.kind) {
    case 'begin-placing':
      return { ...record, state: 'placing' };
    case 'queue':
      return { ...record, state: 'queued', queue: event.queue, nodeId: null, placement: null };
    case 'place': {
      const { placement } = event;
      return { ...record, state: 'provisioning', queue: null, placement, nodeId: placement.nodeId };
    }
    case 'start':
      return { ...record, state: 'starting', commandAtMs: event.commandAtMs };
    case 'stream':
      return { ...record, state: 'streaming', streamingAt: record.streamingAt ?? instant };
    case 'suspend':
      return { ...record, state: 'suspended' };
    case 'join':
      return { ...record, joinedAt: record.joinedAt ?? instant };
    case 'step':
      return { ...record, steps: [...record.steps, event.step].slice(0, mostSteps) };
    case 'close':
      return { ...record, state: 'closing', queue: null, closeReason: event.reason };
    case 'closed':
      return { ...record, state: 'closed', queue: null, closedAt: instant };
    case 'fail': {
      const failure = { code: event.code, detail: event.detail };
      return { ...record, state: 'failed', queue: null, failure, closedAt: instant };
    }
  }
}

export function isRejected(outcome: SessionRecord | Rejected): outcome is Rejected {
  return 'kind' in outcome;
}
