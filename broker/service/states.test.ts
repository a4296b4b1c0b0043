import type { ServiceState } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transition, type ServiceEvent } from './states.ts';

const states = {
  idle: { kind: 'idle' },
  deploying: { kind: 'working', purpose: 'deploy' },
  suspending: { kind: 'working', purpose: 'suspend', power: 'off' },
  restarting: { kind: 'working', purpose: 'restart' },
  running: { kind: 'running' },
  degraded: { kind: 'degraded', reason: 'old' },
  suspended: { kind: 'suspended' },
  releasing: { kind: 'releasing', reason: null },
  'taken back': { kind: 'releasing', reason: 'why' },
  error: { kind: 'error', reason: 'why' },
  absent: { kind: 'absent' },
} as const satisfies Record<string, ServiceState>;
type Name = keyof typeof states;

const events = {
  start: { kind: 'start' },
  settle: { kind: 'settle' },
  weaken: { kind: 'weaken', reason: 'old' },
  fail: { kind: 'fail', reason: 'why' },
  suspend: { kind: 'suspend', power: 'off' },
  restart: { kind: 'restart' },
  release: { kind: 'release' },
  vanish: { kind: 'vanish' },
} as const satisfies Record<string, ServiceEvent>;
type EventName = keyof typeof events;

/** Everything that is taken; all else is rejected. */
const taken: Record<Name, Partial<Record<EventName, Name>>> = {
  idle: { start: 'deploying', release: 'releasing' },
  deploying: { settle: 'running', fail: 'taken back', release: 'releasing' },
  suspending: { settle: 'suspended', fail: 'degraded', release: 'releasing' },
  restarting: { settle: 'running', fail: 'degraded', release: 'releasing' },
  running: { weaken: 'degraded', suspend: 'suspending', release: 'releasing' },
  degraded: {
    ...{ settle: 'running', weaken: 'degraded', suspend: 'suspending', restart: 'restarting' },
    release: 'releasing',
  },
  suspended: { restart: 'restarting', release: 'releasing' },
  releasing: { vanish: 'absent' },
  'taken back': { vanish: 'error' },
  error: { release: 'releasing' },
  absent: {},
};

const names = Object.keys(states) as Name[];
const eventNames = Object.keys(events) as EventName[];
const pairs = names.flatMap((from) => eventNames.map((event) => [from, event, taken[from][event]] as const));

describe('transition', () => {
  it.each(pairs.filter(([, , to]) => to !== undefined))('%s, %s: %s', (from, event, to) => {
    const expected =
      to === 'degraded' && event === 'fail' ? { kind: 'degraded', reason: 'why' } : states[to ?? from];

    expect(transition(states[from], events[event])).toEqual(expected);
  });

  it.each(pairs.filter(([, , to]) => to === undefined))('%s rejects %s and says so', (from, event) => {
    expect(transition(states[from], events[event])).toEqual({
      kind: 'rejected',
      reason: `A service that is ${states[from].kind} takes no ${event}`,
    });
  });

  it('never shows a service as running after its deployment has failed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...eventNames)), (later) => {
        let state: ServiceState = states['taken back'];
        for (const name of later) {
          const next = transition(state, events[name]);
          if (next.kind !== 'rejected') state = next;
        }

        expect(['releasing', 'error', 'absent']).toContain(state.kind);
      }),
    );
  });
});
