import type { AgreementState, GuaranteeState, OcciAgreementState } from '@medusa/protocol';

/** Where an agreement stands. WS-Agreement knows no suspension, GFD.228 does: it lies over the observed states. */
export type Standing = { readonly state: AgreementState; readonly suspension: 'none' | 'suspended' };

export const agreementEvents = [
  'accept',
  'reject',
  'request-termination',
  'terminate',
  'expire',
  'suspend',
  'resume',
] as const;
export type AgreementEvent = (typeof agreementEvents)[number];

export type RejectedEvent = { readonly kind: 'rejected'; readonly reason: string };

/** GFD.192, Agreement States: what is not here is rejected. */
const table: Readonly<Record<AgreementState, Partial<Record<AgreementEvent, AgreementState>>>> = {
  Pending: {
    accept: 'Observed',
    reject: 'Rejected',
    'request-termination': 'PendingAndTerminating',
    // Nobody accepted it in time.
    expire: 'Rejected',
  },
  PendingAndTerminating: {
    accept: 'ObservedAndTerminating',
    reject: 'Rejected',
    terminate: 'Terminated',
    expire: 'Rejected',
  },
  Observed: { 'request-termination': 'ObservedAndTerminating', expire: 'Complete' },
  ObservedAndTerminating: { terminate: 'Terminated', expire: 'Complete' },
  Rejected: {},
  Complete: {},
  Terminated: {},
};

/** What becomes of the agreement; an event that does not fit is rejected with the reason. */
export function transition(standing: Standing, event: AgreementEvent): Standing | RejectedEvent {
  if (event === 'suspend' || event === 'resume') return transitionSuspension(standing, event);
  const state = table[standing.state][event];
  if (state === undefined)
    return { kind: 'rejected', reason: `An agreement that is ${standing.state} takes no ${event}` };
  return { state, suspension: isObserved(state) ? standing.suspension : 'none' };
}

function transitionSuspension(
  { state, suspension }: Standing,
  event: 'suspend' | 'resume',
): Standing | RejectedEvent {
  const wanted = event === 'suspend' ? 'suspended' : 'none';
  if (!isObserved(state))
    return { kind: 'rejected', reason: `An agreement that is ${state} takes no ${event}` };
  if (suspension === wanted)
    return { kind: 'rejected', reason: `The agreement is not to ${event}: it is so already` };
  return { state, suspension: wanted };
}

/** What a party may do with it now; a termination is asked for and takes place in one. */
export function openActs(
  standing: Standing,
): readonly ('accept' | 'reject' | 'suspend' | 'resume' | 'terminate')[] {
  const acts = ['accept', 'reject', 'suspend', 'resume'] as const;
  const isEnding = ['request-termination', 'terminate'] as const;
  const takes = (event: AgreementEvent): boolean => !('kind' in transition(standing, event));
  return [...acts.filter(takes), ...(isEnding.some(takes) ? (['terminate'] as const) : [])];
}

/** Its guarantees are watched. In all other states they are NotDetermined (GFD.192, Guarantee States). */
export function isObserved(state: AgreementState): boolean {
  return state === 'Observed' || state === 'ObservedAndTerminating';
}

/** occi.agreement.state of GFD.228. */
export function occiStateOf({ state, suspension }: Standing): OcciAgreementState {
  if (suspension === 'suspended') return 'suspended';
  switch (state) {
    case 'Pending':
    case 'PendingAndTerminating':
      return 'pending';
    case 'Observed':
    case 'ObservedAndTerminating':
      return 'accepted';
    case 'Rejected':
      return 'rejected';
    case 'Complete':
    case 'Terminated':
      return 'terminated';
  }
}

/** What a guarantee is after a judgement. What cannot be told leaves no earlier verdict standing. */
export function transitionGuarantee(
  { state, suspension }: Standing,
  met: boolean | undefined,
): GuaranteeState {
  if (!isObserved(state) || suspension === 'suspended' || met === undefined) return 'NotDetermined';
  return met ? 'Fulfilled' : 'Violated';
}
