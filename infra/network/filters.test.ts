import fc from 'fast-check';
import { hostNetworkSettingsSchema, type HostGroup, type HostNetwork, type HostPort } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { renderDnsmasq, renderHosts } from './dnsmasq.ts';
import { emptyJournal, type Journal } from './journal.ts';
import { deviceNames } from './names.ts';
import { planFilter, renderFilter } from './nftables.ts';
import { portMasks, renderFlows } from './ovs-flows.ts';
import { rulesOf } from './rules.ts';
import { applied, assigned } from './wants.ts';

const names = deviceNames('/var/lib/medusa/network');
const tag = { owner: 'tester', resource: 'net', incarnation: 1 };
const net: HostNetwork = {
  ...{ kind: 'network', id: 'net-a', tag, tenant: 'a', type: 'flat', segment: null },
  ...{ cidrs: ['10.0.0.0/24', 'fd00::/64'], dhcp: true, hasGateway: true, hooks: [] },
};
const group: HostGroup = {
  ...{ kind: 'group', id: 'web', tag },
  rules: [
    { direction: 'in', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '0.0.0.0/0' },
    { direction: 'in', protocol: 'any', fromPort: null, toPort: null, remote: 'group' },
    { direction: 'out', protocol: 'udp', fromPort: 1000, toPort: 1999, remote: 'fd00::/64' },
  ],
};
const port = (id: string, groups: string[]): HostPort => ({
  ...{
    kind: 'port',
    id,
    tag,
    machine: id,
    network: 'net-a',
    groups,
    addresses: null,
    attach: { kind: 'tap' },
  },
});
const address = {
  kind: 'address' as const,
  id: 'front',
  tag,
  pool: ['192.0.2.8/32'],
  failover: [],
  probePort: null,
};
const things = [net, group, port('p1', ['web']), port('p2', ['web']), port('p3', []), address];
const journal: Journal = assigned(
  applied(emptyJournal, things, { now: '2026-11-24T08:00:00.000Z', names }),
  'front',
  'p1',
);
const [p1, , p3] = journal.ports;

describe('the rules of a port', () => {
  it('are those of its groups, a group spelled out as its members', () => {
    expect(p1 && rulesOf(p1, journal).in).toEqual([
      { family: 4, protocol: 'tcp', fromPort: 443, toPort: 443, remote: '0.0.0.0/0' },
      ...['10.0.0.2', 'fd00::2', '10.0.0.3', 'fd00::3'].map((remote) => ({
        ...{ family: remote.includes(':') ? 6 : 4, protocol: 'any', fromPort: null, toPort: null, remote },
      })),
    ]);
  });

  it('are open within its network when it has no group', () => {
    expect(p3 && rulesOf(p3, journal)).toEqual({ in: null, out: null });
  });
});

describe('the packet filter', () => {
  const settings = hostNetworkSettingsSchema.parse({ uplink: 'eth0' });
  const plan = planFilter(journal, settings, { network: names.bridge, port: names.port, isBridged: true });
  const none = { chains: [], counters: [] };

  it('sends a floating address to one machine, both ways, and does not masquerade that machine', () => {
    const text = renderFilter(plan, { inet: none, bridge: none });
    expect(text).toContain('add element inet medusa floating4 { 192.0.2.8 : 10.0.0.2 }');
    expect(text).toContain('add element inet medusa inside4 { 10.0.0.2 : 192.0.2.8 }');
    expect(text).toContain('oifname "eth0" ip saddr 10.0.0.0/24 ip saddr != @floats4 masquerade');
  });

  it('deletes the chains and counters of ports that are gone, and no others', () => {
    const old = {
      chains: ['forward', 'in-mp-gone', `in-${names.port('p1')}`],
      counters: ['refused-mp-gone'],
    };
    const deleted = renderFilter(plan, { inet: old, bridge: none })
      .split('\n')
      .filter((line) => line.startsWith('delete'));
    expect(deleted).toEqual([
      'delete chain inet medusa in-mp-gone',
      'delete counter inet medusa refused-mp-gone',
    ]);
  });

  it('ends every chain of a guarded port by a counted refusal', () => {
    const device = names.port('p1');
    const lines = renderFilter(plan, { inet: none, bridge: none }).split('\n');
    for (const chain of [`in-${device}`, `out-${device}`])
      expect(lines.filter((line) => line.includes(` ${chain} `)).at(-1)).toContain(
        `counter name "refused-${device}" drop`,
      );
  });

  it('is one for IPv4 and one for IPv6 when forwarding was switched on by us alone', () => {
    const closed = planFilter({ ...journal, switchedOn: ['ipv4/conf/eth0/forwarding'] }, settings, {
      ...{ network: names.bridge, port: names.port, isBridged: false },
    });
    const text = renderFilter(closed, { inet: none, bridge: none });
    expect(text).toContain(
      'meta nfproto ipv4 iifname "eth0" oifname != "eth0" oifname != @members counter drop',
    );
    expect(text).not.toContain('meta nfproto ipv6 iifname');
    expect(text).not.toContain('table bridge');
  });
});

describe("the switch's flows", () => {
  it('cover exactly a range of ports', () => {
    const matches = (mask: string, value: number): boolean => {
      const [wanted = '', bits = '0xffff'] = mask.split('/');
      return (value & Number(bits)) === Number(wanted);
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 0, max: 3_000 }), (from, length) => {
        const to = Math.min(65_535, from + length);
        const masks = portMasks(from, to);
        expect(masks.length).toBeLessThanOrEqual(32);
        for (const value of [from - 1, from, Math.floor((from + to) / 2), to, to + 1])
          expect(masks.filter((mask) => matches(mask, value))).toHaveLength(
            value >= from && value <= to ? 1 : 0,
          );
      }),
    );
  });

  it('let a port send as itself alone, and track its network in a zone of its own', () => {
    const flows = renderFlows({
      networks: [{ vlan: 100, cidrs: net.cidrs, gateways: ['10.0.0.1'], gatewayPort: 1, tunnelPorts: [9] }],
      ports: [
        {
          number: 5,
          mac: '02:00:00:00:00:01',
          addresses: ['10.0.0.2'],
          vlan: 100,
          cidrs: net.cidrs,
          rules: { in: [], out: null },
        },
      ],
      trunkPort: null,
    }).split('\n');
    expect(
      flows.filter((flow) => flow.includes('table=10') && flow.includes('nw_src=10.0.0.2')),
    ).toHaveLength(1);
    expect(flows).toContain('table=0,priority=100,in_port=9,actions=load:100->NXM_NX_REG5[],resubmit(,20)');
    expect(
      flows
        .filter((flow) => flow.includes('dl_dst=02:00:00:00:00:01'))
        .every((flow) => flow.endsWith('actions=drop')),
    ).toBe(true);
  });
});

describe("a network's DHCP", () => {
  const [network] = journal.networks;
  if (!network) throw new Error('no network');

  it('hands out the addresses of ports and none besides', () => {
    const config = renderDnsmasq({ network, device: 'mb-1', folder: '/var/lib/x' });
    expect(config).toContain('dhcp-range=10.0.0.0,static,255.255.255.0,12h');
    expect(config).toContain('dhcp-range=fd00::,static,64,12h');
    expect(renderHosts(journal.ports).split('\n')[0]).toBe(`${names.mac('p1')},10.0.0.2,[fd00::2],p1`);
  });

  it('promises no way out where there is none', () => {
    const config = renderDnsmasq({
      network: { ...network, hasGateway: false },
      device: 'mb-1',
      folder: '/var/lib/x',
    });
    expect(config.split('\n')).toEqual(expect.arrayContaining(['dhcp-option=3', 'port=0']));
  });
});
