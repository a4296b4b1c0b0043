import fc from 'fast-check';
import type { HostNetwork, HostPort } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { emptyJournal, type Journal } from './journal.ts';
import { deviceNames } from './names.ts';
import { applied, assigned, removed, swept } from './wants.ts';

const change = { now: '2026-11-24T08:00:00.000Z', names: deviceNames('/var/lib/medusa/network') };
const tag = { owner: 'tester', resource: 'net', incarnation: 1 };

function network(id: string, given: Partial<HostNetwork> = {}): HostNetwork {
  return {
    ...{ kind: 'network', id, tag, tenant: 'a', type: 'flat', segment: null },
    ...{ cidrs: ['10.0.0.0/29'], dhcp: true, hasGateway: true, hooks: [], ...given },
  };
}
function port(id: string, given: Partial<HostPort> = {}): HostPort {
  return {
    ...{ kind: 'port', id, tag, machine: id, network: 'net-a', groups: [], addresses: null },
    ...{ attach: { kind: 'tap' }, ...given },
  };
}
const has = (fault: string): unknown => expect.objectContaining({ fault }) as unknown;
const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("a host's journal", () => {
  const base = applied(emptyJournal, [network('net-a')], change);

  it('does not change when the same is asked again', () => {
    const things = [network('net-a'), port('p1'), port('p2')];
    const once = applied(emptyJournal, things, change);
    expect(applied(once, things, { ...change, now: '2027-01-01T00:00:00.000Z' })).toEqual(once);
  });

  it('gives no address twice, never the gateway, and says when none is left', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 7 })), { maxLength: 30 }), (steps) => {
        let journal: Journal = base;
        for (const [isRemoval, number] of steps) {
          const id = `p${number}`;
          if (isRemoval) journal = swept(removed(journal, [{ kind: 'port', id }]));
          else if (journal.ports.length === 5 && !journal.ports.some((held) => held.id === id))
            expect(thrown(() => applied(journal, [port(id)], change))).toEqual(has('capacity'));
          else journal = applied(journal, [port(id)], change);
          const addresses = journal.ports.flatMap((held) => held.addresses);
          expect(new Set(addresses).size).toBe(addresses.length);
          expect(addresses).not.toContain('10.0.0.1');
        }
      }),
    );
  });

  it('refuses networks that overlap, share a segment, or have none', () => {
    const vlan = network('net-v', { type: 'vlan', segment: 7, cidrs: ['10.1.0.0/24'] });
    expect(thrown(() => applied(base, [network('net-b', { cidrs: ['10.0.0.4/30'] })], change))).toEqual(
      has('conflict'),
    );
    expect(
      thrown(() => applied(base, [vlan, { ...vlan, id: 'net-w', cidrs: ['10.2.0.0/24'] }], change)),
    ).toEqual(has('conflict'));
    expect(thrown(() => applied(base, [{ ...vlan, segment: null }], change))).toEqual(has('invalid'));
    expect(thrown(() => applied(base, [{ ...vlan, segment: 4_095 }], change))).toEqual(has('invalid'));
  });

  it('keeps a name for its first owner, and for what it was', () => {
    const stranger = { ...tag, owner: 'other' };
    expect(thrown(() => applied(base, [network('net-a', { tag: stranger })], change))).toEqual(
      has('conflict'),
    );
    expect(thrown(() => applied(base, [network('net-a', { dhcp: false })], change))).toEqual(has('conflict'));
  });

  it('removes nothing that is in use, and forgets nothing before it is gone', () => {
    const used = applied(base, [port('p1')], change);
    expect(thrown(() => removed(used, [{ kind: 'network', id: 'net-a' }]))).toEqual(has('conflict'));
    const going = removed(used, [
      { kind: 'port', id: 'p1' },
      { kind: 'network', id: 'net-a' },
    ]);
    expect(going.networks).toHaveLength(1);
    expect(thrown(() => applied(going, [network('net-a')], change))).toEqual(has('conflict'));
    expect(swept(going)).toEqual(emptyJournal);
  });

  it('chooses VXLAN numbers itself, and local tags that no VLAN has', () => {
    const journal = applied(
      base,
      [
        network('net-v', { type: 'vlan', segment: 4_093, cidrs: ['10.1.0.0/24'] }),
        network('net-x', { type: 'vxlan', cidrs: ['10.2.0.0/24'] }),
        network('net-y', { type: 'vxlan', cidrs: ['10.3.0.0/24'] }),
      ],
      change,
    );
    expect(journal.networks.map(({ segment }) => segment)).toEqual([null, 4_093, 1, 2]);
    expect(new Set(journal.networks.map(({ localVlan }) => localVlan)).size).toBe(4);
  });

  it('moves a floating address by one entry', () => {
    const address = {
      kind: 'address',
      id: 'front',
      tag,
      pool: ['192.0.2.0/30'],
      failover: [],
      probePort: null,
    } as const;
    const journal = applied(base, [{ ...address, pool: [...address.pool], failover: [] }], change);
    expect(assigned(assigned(journal, 'front', 'a'), 'front', 'b').addresses).toMatchObject([
      { address: '192.0.2.1', assignedTo: 'b' },
    ]);
    expect(thrown(() => assigned(journal, 'none', 'a'))).toEqual(has('not-found'));
  });
});
