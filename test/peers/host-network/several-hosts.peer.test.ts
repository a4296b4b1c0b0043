import { spawn } from 'node:child_process';
import type { HostNetworkSettings, HostPort } from '@medusa/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canPing, end, ip, Lab } from './lab.ts';
import { missing, network, tag } from './things.ts';

describe.skipIf(missing)(`networks over several hosts${missing ? ` (needs ${missing})` : ''}`, () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(async () => {
    await lab[Symbol.asyncDispose]();
  });
  const machine = (name: string, of: string, addresses: string[]): HostPort => ({
    ...{
      kind: 'port',
      id: `${name}-${of}`,
      tag: tag(name),
      machine: name,
      network: of,
      groups: [],
      addresses,
    },
    attach: { kind: 'netns', namespace: lab.nameOf(name), isConfigured: true },
  });

  it('join machines through VXLAN, and keep two tenants apart', async () => {
    const vxlan = (own: number): Partial<HostNetworkSettings> => ({
      backend: 'bridge',
      vxlan: { local: `198.51.100.${own}`, remotes: [`198.51.100.${3 - own}`], port: 4789 },
    });
    const [one, two] = [await lab.host('h1', vxlan(1)), await lab.host('h2', vxlan(2))];
    await lab.cable({ at: one.namespace, name: 'up0' }, { at: two.namespace, name: 'up0' });
    for (const [index, { namespace }] of [one, two].entries())
      await ip(namespace, `addr add 198.51.100.${index + 1}/24 dev up0`);
    const alone = { type: 'vxlan', dhcp: false, hasGateway: false } as const;
    const [a, b] = [
      network('net-a', { ...alone, segment: 5_001 }),
      network('net-b', { ...alone, segment: 5_002, tenant: 'b', cidrs: ['10.77.2.0/24'] }),
    ];
    await one.tell({
      do: 'apply',
      things: [
        a,
        b,
        machine('a1', 'net-a', ['10.77.1.11', 'fd77:1::11']),
        machine('b1', 'net-b', ['10.77.2.11']),
      ],
    });
    await two.tell({
      do: 'apply',
      things: [
        a,
        b,
        machine('a2', 'net-a', ['10.77.1.12', 'fd77:1::12']),
        machine('b2', 'net-b', ['10.77.2.12']),
      ],
    });

    expect(await canPing(lab.nameOf('a1'), '10.77.1.12')).toBe(true);
    expect(await canPing(lab.nameOf('a1'), 'fd77:1::12')).toBe(true);
    expect(await canPing(lab.nameOf('b1'), '10.77.2.12')).toBe(true);
    // Even one that puts itself into the other's subnet.
    expect(await canPing(lab.nameOf('b1'), '10.77.1.12')).toBe(false);
    const frames = await sniff(
      { namespace: one.namespace, device: 'up0', filter: 'udp port 4789' },
      async () => canPing(lab.nameOf('a1'), '10.77.1.12'),
    );
    expect(frames).toContain('vni 5001');
  });

  it('join machines through tagged frames of a trunk, and keep two tenants apart', async () => {
    const given = { backend: 'ovs', trunk: 'tr0' } as const;
    const [one, two] = [await lab.host('h1', given), await lab.host('h2', given)];
    await lab.cable({ at: one.namespace, name: 'tr0' }, { at: two.namespace, name: 'tr0' });
    const alone = { type: 'vlan', dhcp: false, hasGateway: false } as const;
    const [a, b] = [
      network('net-a', { ...alone, segment: 101 }),
      network('net-b', { ...alone, segment: 102, tenant: 'b', cidrs: ['10.77.2.0/24'] }),
    ];
    await one.tell({
      do: 'apply',
      things: [
        a,
        b,
        machine('a1', 'net-a', ['10.77.1.11', 'fd77:1::11']),
        machine('b1', 'net-b', ['10.77.2.11']),
      ],
    });
    await two.tell({
      do: 'apply',
      things: [
        a,
        b,
        machine('a2', 'net-a', ['10.77.1.12', 'fd77:1::12']),
        machine('b2', 'net-b', ['10.77.2.12']),
      ],
    });

    expect(await canPing(lab.nameOf('a1'), '10.77.1.12')).toBe(true);
    expect(await canPing(lab.nameOf('a1'), 'fd77:1::12')).toBe(true);
    expect(await canPing(lab.nameOf('b1'), '10.77.2.12')).toBe(true);
    expect(await canPing(lab.nameOf('b1'), '10.77.1.12')).toBe(false);
    const frames = await sniff({ namespace: one.namespace, device: 'tr0', filter: 'vlan' }, async () =>
      canPing(lab.nameOf('a1'), '10.77.1.12'),
    );
    const echoes = frames.split('\n').filter((line) => line.includes('10.77.1.12'));
    expect(echoes.length).toBeGreaterThan(0);
    expect(echoes.every((line) => line.includes('vlan 101,'))).toBe(true);
  });
});

/** What tcpdump(1) says of the frames that pass while something is done. */
async function sniff(
  { namespace, device, filter }: { namespace: string; device: string; filter: string },
  act: () => Promise<unknown>,
): Promise<string> {
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${namespace}`, 'tcpdump', '-lnei', device, ...filter.split(' ')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [frames, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (frames += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await expect.poll(() => said, { timeout: 10_000 }).toContain('listening on');
  await act();
  await expect.poll(() => frames, { timeout: 10_000 }).not.toBe('');
  await end(child);
  return frames;
}
