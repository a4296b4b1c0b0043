import type { ServiceState } from '@medusa/protocol';

/** What happens to a service. `reason`: in words, for people. */
export type ServiceEvent =
  | { readonly kind: 'start' }
  /** All of it is as it shall be. */
  | { readonly kind: 'settle' }
  /** A part that was ready is not any more. */
  | { readonly kind: 'weaken'; readonly reason: string }
  /** What is under way cannot be done. */
  | { readonly kind: 'fail'; readonly reason: string }
  | { readonly kind: 'suspend'; readonly power: 'off' | 'suspended' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'release' }
  /** Nothing of it is left. */
  | { readonly kind: 'vanish' };

export type RejectedServiceEvent = { readonly kind: 'rejected'; readonly reason: string };
type Next = ServiceState | RejectedServiceEvent;

/**
 * What becomes of a service; an event that does not fit is rejected with the reason. A deployment that fails is taken back and ends in
 * `error`: it is never shown as running.
 */
export function transition(state: ServiceState, event: ServiceEvent): Next {
  if (event.kind === 'release') return released(state);
  const rule = rules[state.kind] as (state: ServiceState, event: ServiceEvent) => Next;
  return rule(state, event);
}

type StateOf<Kind extends ServiceState['kind']> = Extract<ServiceState, { kind: Kind }>;

const rules: {
  readonly [Kind in ServiceState['kind']]: (state: StateOf<Kind>, event: ServiceEvent) => Next;
} = {
  idle: (state, event) =>
    event.kind === 'start' ? { kind: 'working', purpose: 'deploy' } : rejected(state, event),
  working: ofWorking,
  running: ofRunning,
  degraded: ofRunning,
  suspended: (state, event) =>
    event.kind === 'restart' ? { kind: 'working', purpose: 'restart' } : rejected(state, event),
  releasing: ofReleasing,
  error: rejected,
  absent: rejected,
};

function ofWorking(state: StateOf<'working'>, event: ServiceEvent): Next {
  if (event.kind === 'settle') return { kind: state.purpose === 'suspend' ? 'suspended' : 'running' };
  if (event.kind !== 'fail') return rejected(state, event);
  const { reason } = event;
  // What ran before may hold data: only a deployment is taken back.
  return state.purpose === 'deploy' ? { kind: 'releasing', reason } : { kind: 'degraded', reason };
}

function ofRunning(state: StateOf<'running' | 'degraded'>, event: ServiceEvent): Next {
  if (event.kind === 'suspend') return { kind: 'working', purpose: 'suspend', power: event.power };
  if (event.kind === 'weaken') return { kind: 'degraded', reason: event.reason };
  if (state.kind === 'running') return rejected(state, event);
  if (event.kind === 'settle') return { kind: 'running' };
  return event.kind === 'restart' ? { kind: 'working', purpose: 'restart' } : rejected(state, event);
}

function ofReleasing(state: StateOf<'releasing'>, event: ServiceEvent): Next {
  if (event.kind !== 'vanish') return rejected(state, event);
  return state.reason === null ? { kind: 'absent' } : { kind: 'error', reason: state.reason };
}

function released(state: ServiceState): Next {
  return state.kind === 'releasing' || state.kind === 'absent'
    ? rejected(state, { kind: 'release' })
    : { kind: 'releasing', reason: null };
}

function rejected(state: ServiceState, event: ServiceEvent): RejectedServiceEvent {
  return { kind: 'rejected', reason: `A service that is ${state.kind} takes no ${event.kind}` };
}
