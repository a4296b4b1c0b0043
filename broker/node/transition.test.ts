import { nodeStateSchema, type NodeState } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { nodeEvents, transition, type NodeEvent } from './transition.ts';

type Row = Readonly<Record<NodeEvent, NodeState | null>>;

/** What is told of a machine by provisioning, whatever the node was thought to be. */
const told = { drain: 'draining', leave: 'leaving', 'give-up': 'lost', vanish: 'absent' } as const;
const nothing = { 'fall-silent': null, hear: null, 'restart-broker': null } as const;
const undrained = { 'undrain-linked': null, 'undrain-unlinked': null } as const;
const beforeReady = { provision: 'provisioning', boot: 'joining', register: 'ready', go: 'lost' } as const;

/** To which state each event leads from each state; null: it is rejected. */
const expected: Readonly<Record<NodeState, Row>> = {
  absent: { ...told, ...nothing, ...undrained, ...beforeReady, go: null },
  provisioning: { ...told, ...nothing, ...undrained, ...beforeReady },
  joining: { ...told, ...nothing, ...undrained, ...beforeReady },
  ready: {
    ...{ ...told, ...undrained, register: 'ready', go: 'lost', provision: null, boot: null },
    ...{ 'fall-silent': 'lost', hear: null, 'restart-broker': 'joining' },
  },
  draining: {
    ...{ ...told, ...nothing, ...beforeReady, register: null },
    ...{ 'undrain-linked': 'ready', 'undrain-unlinked': 'joining' },
  },
  leaving: { ...told, ...nothing, ...undrained, ...beforeReady, register: null },
  lost: { ...told, ...nothing, ...undrained, ...beforeReady, hear: 'ready' },
};

describe('the states of a node', () => {
  it.each(nodeStateSchema.options.flatMap((state) => nodeEvents.map((event) => [state, event] as const)))(
    '%s, %s',
    (state, event) => {
      const next = transition(state, event);

      expect(typeof next === 'object' ? null : next).toBe(expected[state][event]);
      if (typeof next === 'object') expect(next.reason).toBe(`A node that is ${state} does not ${event}`);
    },
  );
});
