import { nodeIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { planPlacement, type Candidate } from './plan.ts';

const need = { applicationId: 'workstation', storageHost: '10.0.0.1' };

function node(id: string, overrides: Partial<Candidate> = {}): Candidate {
  return {
    nodeId: nodeIdSchema.parse(id),
    state: 'ready',
    hasLink: true,
    slots: 4,
    usedSlots: 0,
    applications: ['workstation'],
    cpus: 4,
    load1: 0,
    rendering: 'cpu',
    host: '10.0.0.2',
    ...overrides,
  };
}

describe('planPlacement', () => {
  it.each<[string, Candidate[], string]>([
    ['the one with more free slots', [node('a', { usedSlots: 3 }), node('b', { usedSlots: 1 })], 'b'],
    ['the idle one', [node('a', { load1: 4 }), node('b', { load1: 0.5 })], 'b'],
    ['the one next to the study', [node('a'), node('b', { host: '10.0.0.1' })], 'b'],
    ['the one with a GPU', [node('a'), node('b', { rendering: 'webgl' })], 'b'],
    ['the first by name among equals', [node('b'), node('a')], 'a'],
  ])('chooses %s', (_why, candidates, expected) => {
    const plan = planPlacement(need, candidates);

    expect(plan.kind === 'placed' && plan.placement.nodeId).toBe(expected);
  });

  it.each<[string, Candidate, string]>([
    ['not ready', node('a', { state: 'lost' }), 'is lost'],
    ['without a link', node('a', { hasLink: false }), 'has no link to the broker'],
    ['without the application', node('a', { applications: [] }), 'does not have the application'],
    ['full', node('a', { usedSlots: 4 }), 'all 4 slots are taken'],
  ])('puts aside a node that is %s, and says so', (_why, candidate, note) => {
    const plan = planPlacement(need, [candidate, node('z')]);

    expect(plan).toMatchObject({
      kind: 'placed',
      placement: { nodeId: 'z', considered: [{ nodeId: 'a', score: null, note }, { nodeId: 'z' }] },
    });
  });

  it.each<[string, Candidate[], string]>([
    ['nobody is there', [], 'No render node is ready yet'],
    ['all are starting', [node('a', { state: 'joining' })], 'No render node is ready yet'],
    [
      'all are full',
      [node('a', { usedSlots: 4 }), node('b', { slots: 2, usedSlots: 2 })],
      'All 6 slots are taken',
    ],
    [
      'nobody has the application',
      [node('a', { applications: ['amide'] })],
      'No node with a free slot has the application',
    ],
  ])('explains why there is no place when %s', (_why, candidates, reason) => {
    expect(planPlacement(need, candidates)).toMatchObject({ kind: 'no-capacity', reason });
  });

  it('gives the reason in words', () => {
    const plan = planPlacement(need, [node('a', { host: '10.0.0.1', usedSlots: 1 })]);

    expect(plan).toMatchObject({
      placement: {
        reason:
          'a is the only node: 3 of 4 slots free, load 0.0 on 4 CPUs, next to the stored study, draws by CPU.',
      },
    });
  });
});
