import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { HostGroup, HostNetworkThing, HostPort } from '@medusa/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missing, network, tag } from './things.ts';
import { canConnect, canPing, end, inside, ip, Lab, listen, type LabHost } from './lab.ts';

describe.skipIf(missing).each(['ovs', 'bridge'] as const)(
  `networks on a plain host by %s${missing ? ` (needs ${missing})` : ''}`,
  (backend) => {
    let lab: Lab;
    let host: LabHost;
    let client: string;

    beforeEach(async () => {
      lab = await Lab.open();
      client = await lab.namespace('client');
      host = await lab.host('host', { backend, uplink: 'up0' });
      await lab.cable({ at: client, name: 'eth0' }, { at: host.namespace, name: 'up0' });
      await ip(client, 'addr add 192.0.2.1/24 dev eth0');
      await ip(client, '-6 addr add 2001:db8::1/64 dev eth0 nodad');
      await ip(host.namespace, 'addr add 192.0.2.2/24 dev up0');
      await ip(host.namespace, '-6 addr add 2001:db8::2/64 dev up0 nodad');
    });
    afterEach(async () => {
      await lab[Symbol.asyncDispose]();
    });

    const port = (machine: string, of: string, given: Partial<HostPort> = {}): HostPort => ({
      kind: 'port',
      id: `${machine}-${of}`,
      tag: tag(machine),
      machine,
      network: of,
      groups: [],
      attach: { kind: 'netns', namespace: lab.nameOf(machine), isConfigured: true },
      addresses: null,
      ...given,
    });
    const addressesOf = (things: readonly HostNetworkThing[], machine: string): string[] =>
      things.flatMap((thing) => (thing.kind === 'port' && thing.machine === machine ? thing.addresses : []));
    const at = (machine: string): string => lab.nameOf(machine);

    it('lets the machines of a tenant reach each other, and nobody else', async () => {
      const things = await host.tell({
        do: 'apply',
        things: [
          network('net-a'),
          network('net-b', { tenant: 'b', cidrs: ['10.77.2.0/24', 'fd77:2::/64'] }),
          port('a1', 'net-a'),
          port('a2', 'net-a'),
          port('b1', 'net-b'),
        ],
      });

      expect(
        things.map(({ id, state, detail }) => ({ id, state, detail })).filter(({ state }) => state !== 'up'),
      ).toEqual([]);
      for (const address of addressesOf(things, 'a2')) expect(await canPing(at('a1'), address)).toBe(true);
      for (const address of addressesOf(things, 'b1')) expect(await canPing(at('a1'), address)).toBe(false);
      for (const address of ['192.0.2.1', '2001:db8::1']) expect(await canPing(at('b1'), address)).toBe(true);
      expect(await canPing(client, addressesOf(things, 'a1')[0] ?? '')).toBe(false);
    });

    it('drops what a machine sends under another address', async () => {
      const things = await host.tell({
        do: 'apply',
        things: [network('net-a'), port('a1', 'net-a'), port('a2', 'net-a')],
      });
      const [target = ''] = addressesOf(things, 'a2');
      const device = things.find((thing) => thing.kind === 'port' && thing.machine === 'a1');
      await ip(
        at('a1'),
        `addr add 10.77.1.200/24 dev ${device?.kind === 'port' ? (device.inside ?? '') : ''}`,
      );

      expect(
        await inside(at('a1'), 'ping', '-c', '1', '-W', '1', '-I', '10.77.1.200', target),
      ).toBeUndefined();
      expect(await canPing(at('a1'), target)).toBe(true);
    });

    it('opens exactly the port that a rule names', async () => {
      const group: HostGroup = {
        kind: 'group',
        id: 'web',
        tag: tag('web'),
        rules: [
          { direction: 'in', protocol: 'tcp', fromPort: 8443, toPort: 8443, remote: '10.77.1.0/24' },
          { direction: 'in', protocol: 'tcp', fromPort: 8443, toPort: 8443, remote: 'fd77:1::/64' },
        ],
      };
      const things = await host.tell({
        do: 'apply',
        things: [network('net-a'), group, port('a1', 'net-a'), port('a2', 'net-a', { groups: ['web'] })],
      });
      await using servers = new AsyncDisposableStack();
      for (const number of [8443, 8444]) servers.use(await listen(at('a2'), number));
      for (const address of addressesOf(things, 'a2')) {
        expect(await canConnect(at('a1'), address, 8443)).toBe(true);
        expect(await canConnect(at('a1'), address, 8444)).toBe(false);
        expect(await canPing(at('a1'), address)).toBe(false);
      }
      // Answers to what the guarded machine asks itself come in.
      for (const address of addressesOf(things, 'a1')) expect(await canPing(at('a2'), address)).toBe(true);

      await host.tell({ do: 'apply', things: [{ ...group, rules: [] }] });
      for (const address of addressesOf(things, 'a2'))
        expect(await canConnect(at('a1'), address, 8443)).toBe(false);
    });

    it('gives a DHCP client the address of its port', async () => {
      const things = await host.tell({
        do: 'apply',
        things: [
          network('net-a'),
          port('a1', 'net-a', { attach: { kind: 'netns', namespace: at('a1'), isConfigured: false } }),
        ],
      });
      const [leased = ''] = addressesOf(things, 'a1');
      const found = things.find((thing) => thing.kind === 'port');
      const device = found?.kind === 'port' ? (found.inside ?? '') : '';
      const script = path.join(lab.base, 'leased.sh');
      await writeFile(
        script,
        '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr add "$ip/$mask" dev "$interface" && ip route add default via "$router"\n',
        { mode: 0o755 },
      );

      const said = await inside(
        at('a1'),
        'busybox',
        'udhcpc',
        '-i',
        device,
        '-s',
        script,
        '-n',
        '-q',
        '-t',
        '10',
        '-T',
        '1',
      );

      expect(said).toBeDefined();
      expect(await ip(at('a1'), `-4 addr show dev ${device}`)).toContain(`${leased}/24`);
      expect(await canPing(at('a1'), '192.0.2.1')).toBe(true);
    });

    it('tells each hook what happened', async () => {
      const hookDir = path.join(lab.base, 'hooks');
      await writeHook(hookDir, 'note', `#!/bin/sh\ncat >> ${lab.base}/told; echo >> ${lab.base}/told\n`);
      const told = await lab.host('hooked', { backend, hookDir });
      await told.tell({ do: 'apply', things: [network('net-h', { hooks: ['note'] }), port('h1', 'net-h')] });
      await told.tell({ do: 'remove', things: [{ kind: 'port', id: 'h1-net-h' }] });
      const { readFile } = await import('node:fs/promises');
      const lines = (await readFile(`${lab.base}/told`, 'utf8')).trim().split('\n');

      expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
        'network.applied',
        'port.applied',
        'port.removed',
      ]);
    });

    it('leaves nothing behind, and survives being killed at any moment', async () => {
      const before = await traces(host);
      const things = [network('net-a'), port('a1', 'net-a'), port('a2', 'net-a')];
      for (const afterMs of [150, 300, 450, 600, 800]) {
        const { child, answer } = host.start({ do: 'apply', things });
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        child.kill('SIGKILL');
        await answer;
      }
      const made = await host.tell({ do: 'apply', things });
      expect(made.filter(({ state }) => state !== 'up')).toEqual([]);
      expect(await canPing(at('a1'), addressesOf(made, 'a2')[0] ?? '')).toBe(true);

      await host.clear();

      expect(await traces(host)).toEqual(before);
      expect(await host.tell({ do: 'list', owner: null })).toEqual([]);
      expect((await inside(host.namespace, 'ip', 'netns', 'list'))?.includes(at('a1'))).toBe(false);
    });

    it('moves a floating address as planned, and away from a machine that fails', async () => {
      const things = await host.tell({
        do: 'apply',
        things: [
          network('net-a'),
          {
            kind: 'group',
            id: 'ping',
            tag: tag('ping'),
            rules: [{ direction: 'in', protocol: 'icmp', fromPort: null, toPort: null, remote: '0.0.0.0/0' }],
          },
          port('a1', 'net-a', { groups: ['ping'] }),
          port('a2', 'net-a', { groups: ['ping'] }),
          {
            kind: 'address',
            id: 'front',
            tag: tag('front'),
            pool: ['192.0.2.64/28'],
            failover: ['a2', 'a1'],
            probePort: null,
          },
        ],
      });
      const floating = things.find((thing) => thing.kind === 'address');
      const address = floating?.kind === 'address' ? floating.address : '';
      await host.tell({ do: 'assign', address: 'front', machine: 'a1' });
      expect(await canPing(client, address)).toBe(true);

      const planned = await gapDuring(client, address, async () => {
        await host.tell({ do: 'assign', address: 'front', machine: 'a2' });
      });
      await host.tell({ do: 'assign', address: 'front', machine: 'a1' });
      const watching = host.start({ do: 'watch', intervalMs: 300 });
      lab.defer(async () => end(watching.child));
      const failed = await gapDuring(client, address, async () => {
        const device = things.find((thing) => thing.kind === 'port' && thing.machine === 'a1');
        await ip(at('a1'), `link set ${device?.kind === 'port' ? (device.inside ?? '') : ''} down`);
        await expect
          .poll(
            async () =>
              (await host.tell({ do: 'list', owner: 'lab' })).find(({ kind }) => kind === 'address'),
            { timeout: 20_000 },
          )
          .toMatchObject({ assignedTo: 'a2' });
      });
      await end(watching.child);
      process.stdout.write(
        `${JSON.stringify({ figure: 'floating address', backend, plannedGapMs: planned, failureGapMs: failed })}\n`,
      );

      expect(await canPing(client, address)).toBe(true);
    });
  },
);

async function writeHook(folder: string, name: string, text: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), text, { mode: 0o755 });
}

/** What a host holds that could be ours. */
async function traces({ namespace }: LabHost): Promise<unknown> {
  const devices = (await ip(namespace, '-br link show')).split('\n').map((line) => line.split(/[ @]/)[0]);
  return {
    devices: devices.filter((name) => name !== '' && name !== 'ovs-netdev').sort(),
    tables: await inside(namespace, 'nft', 'list', 'tables'),
    forwarding: await inside(
      namespace,
      'cat',
      '/proc/sys/net/ipv4/conf/up0/forwarding',
      '/proc/sys/net/ipv6/conf/all/forwarding',
    ),
  };
}

/** The longest silence, in milliseconds, that a ping every 10 ms hears while something is done. */
async function gapDuring(namespace: string, address: string, change: () => Promise<void>): Promise<number> {
  const ping = spawn('nsenter', [`--net=/run/netns/${namespace}`, 'ping', '-D', '-i', '0.01', address], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  ping.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const answers = (): number[] =>
    [...output.matchAll(/^\[([\d.]+)\].*bytes from/gm)].map((match) => Number(match[1]) * 1_000);
  await expect.poll(() => answers().length, { timeout: 5_000 }).toBeGreaterThan(50);
  await change();
  const heard = answers().length;
  await expect.poll(() => answers().length, { timeout: 10_000 }).toBeGreaterThan(heard + 50);
  await end(ping);
  const times = answers();
  return Math.round(Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time))));
}
