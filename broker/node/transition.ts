import { nodeStateSchema, type NodeState } from '@medusa/protocol';

/** What happens to a node: what provisioning tells of its machine, what the node says itself, and what it leaves unsaid. */
export const nodeEvents = [
  /** Its machine is wanted, or being made. */
  'provision',
  /** Its machine runs; the node has not shown itself. */
  'boot',
  /** It has registered. */
  'register',
  /** Three heartbeats are missing. */
  'fall-silent',
  /** It is heard again over a link that never broke. */
  'hear',
  /** It is to take no more sessions. */
  'drain',
  /** It may have sessions again, and is linked … */
  'undrain-linked',
  /** … or is not. */
  'undrain-unlinked',
  /** Its machine is being taken away. */
  'leave',
  /** Its machine cannot be had without a change. */
  'give-up',
  /** Its process does not exist any more. */
  'go',
  /** Nothing of it is there, and nothing is wanted. */
  'vanish',
  /** The broker was restarted: who was ready has to show itself again. */
  'restart-broker',
] as const;
export type NodeEvent = (typeof nodeEvents)[number];

/** The event does not fit the state. */
export type RejectedNodeEvent = { readonly kind: 'rejected'; readonly reason: string };

/**
 * What is not here is rejected. What provisioning tells of a machine is true whatever was thought of its node, as a broker may have
 * missed what came between; but a node that has registered is ahead of a machine that is still being noted as made.
 */
const table: Readonly<Record<NodeEvent, Partial<Readonly<Record<NodeState, NodeState>>>>> = {
  provision: fromAllBut(['ready'], 'provisioning'),
  boot: fromAllBut(['ready'], 'joining'),
  // A link that broke ends neither a drain nor a farewell.
  register: fromAllBut(['draining', 'leaving'], 'ready'),
  'fall-silent': { ready: 'lost' },
  hear: { lost: 'ready' },
  drain: fromAllBut([], 'draining'),
  'undrain-linked': { draining: 'ready' },
  'undrain-unlinked': { draining: 'joining' },
  leave: fromAllBut([], 'leaving'),
  'give-up': fromAllBut([], 'lost'),
  go: fromAllBut(['absent'], 'lost'),
  vanish: fromAllBut([], 'absent'),
  'restart-broker': { ready: 'joining' },
};

/** The one place that knows how a node's state may change (absent → provisioning → joining → ready ⇄ draining → leaving → absent | lost). */
export function transition(state: NodeState, event: NodeEvent): NodeState | RejectedNodeEvent {
  return table[event][state] ?? { kind: 'rejected', reason: `A node that is ${state} does not ${event}` };
}

function fromAllBut(
  others: readonly NodeState[],
  target: NodeState,
): Partial<Readonly<Record<NodeState, NodeState>>> {
  const states = nodeStateSchema.options.filter((state) => !others.includes(state));
  return Object.fromEntries(states.map((state) => [state, target]));
}
