import { nodeIdSchema, type NodeId } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import type { MachineStatus, ProviderDriver } from './driver.ts';
import { reconcile } from './reconcile.ts';

const a = nodeIdSchema.parse('a');
const b = nodeIdSchema.parse('b');

async function pass(
  wanted: NodeId[],
  machines: Map<NodeId, MachineStatus>,
  failing?: NodeId,
): Promise<string[]> {
  const told: string[] = [];
  const states = new Map<
    NodeId,
    'provisioning' | 'joining' | 'lost' | 'leaving' | 'absent' | 'ready' | 'draining'
  >();
  const driver: ProviderDriver = {
    kind: 'fake',
    async acquire(id) {
      if (id === failing) throw new Error('no machine');
      machines.set(id, { state: 'active', since: new Date(0), detail: 'fake' });
    },
    inspect: async (id) => machines.get(id) ?? { state: 'absent' },
    async release(id) {
      machines.delete(id);
    },
    list: async () => [...machines.keys()],
  };
  const board = {
    setState(
      id: NodeId,
      state: 'provisioning' | 'joining' | 'lost' | 'leaving' | 'absent' | 'ready' | 'draining',
      reason: string,
    ) {
      states.set(id, state);
      told.push(`${id} ${state}: ${reason}`);
    },
    processGone: (id: NodeId, reason: string) => void told.push(`${id} gone: ${reason}`),
    view: (id: NodeId) => {
      const state = states.get(id);
      return state && { state };
    },
  };
  const desired = { load: async () => wanted, save: async () => Promise.resolve() };
  await reconcile(
    { driver, desired, board, needOf: async () => ({ environment: {} }), onError: () => undefined },
    AbortSignal.timeout(5_000),
  );
  return told;
}

const active: MachineStatus = { state: 'active', since: new Date(0), detail: 'process 1' };

describe('one pass of the loop', () => {
  it('acquires what is wanted and not there', async () => {
    expect(await pass([a], new Map())).toEqual([
      'a provisioning: Wanted and not there',
      'a joining: Wanted and not there',
    ]);
  });

  it('adopts what runs', async () => {
    expect(await pass([a], new Map([[a, active]]))).toEqual(['a joining: Found running: process 1']);
  });

  it('replaces what was lost, with the reason', async () => {
    const machines = new Map<NodeId, MachineStatus>([[a, { state: 'lost', reason: 'killed' }]]);

    expect(await pass([a], machines)).toEqual([
      'a gone: killed',
      'a provisioning: Replaced: killed',
      'a joining: Replaced: killed',
    ]);
    expect(machines.get(a)?.state).toBe('active');
  });

  it('releases what nobody wants', async () => {
    const machines = new Map([[b, active]]);

    expect(await pass([], machines)).toEqual([
      'b leaving: Not wanted any more',
      'b gone: Not wanted any more',
      'b absent: Not wanted any more',
    ]);
    expect(machines.size).toBe(0);
  });

  it('goes on with the others when one fails', async () => {
    const machines = new Map<NodeId, MachineStatus>();

    expect(await pass([a, b], machines, a)).toContain('a lost: The provider failed');
    expect([...machines.keys()]).toEqual([b]);
  });
});
