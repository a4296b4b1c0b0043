import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import { nameOf, type Operation, type ProviderDriver } from '@medusa/broker/provision/port';
import type { ResourceKind } from '@medusa/protocol';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

const run = promisify(execFile);
const missing = requirePackages(
  'libvirt-daemon-system',
  'libvirt-clients',
  'libvirt-daemon-driver-lxc',
  'qemu-system-x86',
  'qemu-utils',
  'genisoimage',
  'busybox-static',
  'dnsmasq-base',
  'iptables',
);

let peer: Peer;
const exported = (name: string): string => peer.exports[name] ?? '';

const sizes = [{ id: 'tiny', cpus: 1, memoryMiB: 128 }];

async function open(settings: object): Promise<ProviderDriver> {
  const definition = await driverDefinitions.libvirt?.();
  if (!definition) throw new Error('no driver of that kind');
  const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: peer.base };
  return definition.open(
    definition.settingsSchema.parse({ sizes, stopSeconds: 1, ...settings }),
    {},
    context,
  );
}

const emulated = (): object => ({
  uri: exported('LIBVIRT_URI'),
  domainType: 'qemu',
  network: null,
  images: [
    {
      kind: 'kernel',
      id: 'tiny',
      architecture: 'x64',
      kernel: exported('LIBVIRT_KERNEL'),
      initrd: exported('LIBVIRT_INITRD'),
      cmdline: 'console=ttyS0 quiet',
    },
    { kind: 'volume', id: 'foreign', architecture: 'riscv64', volume: 'foreign', format: 'raw' },
  ],
});

const containers = (): object => ({
  uri: exported('LIBVIRT_LXC_URI'),
  network: null,
  rootfsDir: path.join(peer.base, 'rootfs'),
  images: [
    {
      kind: 'rootfs',
      id: 'tiny',
      architecture: 'x64',
      directory: exported('LIBVIRT_ROOTFS'),
      init: '/sbin/init',
    },
  ],
});

/** libvirt's own client, behind the driver's back. */
async function virsh(uri: string, ...args: string[]): Promise<readonly string[]> {
  const { stdout } = await run('virsh', ['-q', '-c', uri, ...args]);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((name) => name !== '');
}

async function count(uri: string, kind: ResourceKind): Promise<number> {
  if (kind === 'machine') return (await virsh(uri, 'list', '--all', '--name')).length;
  if (kind === 'network') return (await virsh(uri, 'net-list', '--all', '--name')).length;
  const names = await virsh(uri, 'vol-list', 'default');
  const prefix = { volume: /^medusa-[^.]*-vol-[^.]*$/, snapshot: /\.of\./, image: /\.(qcow2|raw)$/ };
  return names.filter((name) => kind in prefix && prefix[kind as keyof typeof prefix].test(name)).length;
}

const machine = {
  image: 'tiny',
  size: 'tiny',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: { MEDUSA_TEST: `told "you" <so> & 'more'` }, userData: '#cloud-config\n' },
};

const inContainer = {
  ...machine,
  guest: { ...machine.guest, environment: { MEDUSA_TEST: `told "you" 'more'` } },
};

async function underTest(settings: object, uri: string): Promise<DriverUnderTest> {
  return {
    open: async () => open(settings),
    machine,
    count: async (kind) => count(uri, kind),
    async breakMachine(ref) {
      await virsh(uri, 'destroy', ref);
    },
    timeoutMs: 120_000,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

describe.skipIf(missing)(`a real libvirt${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    peer = await startPeer('libvirt');
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  describeProviderDriver('QEMU by libvirt', async () => {
    const file = path.join(peer.base, 'image.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', file, '16M']);
    return {
      ...(await underTest(emulated(), exported('LIBVIRT_URI'))),
      volume: { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } },
      image: {
        kind: 'image',
        role: 'render',
        architecture: 'x64',
        format: 'qcow2',
        file,
        contentHash: createHash('sha256').update(readFileSync(file)).digest('hex'),
      },
    };
  });

  describeProviderDriver('LXC by libvirt', async () => ({
    ...(await underTest(containers(), exported('LIBVIRT_LXC_URI'))),
    machine: inContainer,
    network: {
      kind: 'network',
      tenant: 'test',
      type: 'flat',
      segment: null,
      cidrs: ['10.215.40.0/24'],
      dhcp: true,
      hasGateway: true,
    },
  }));

  const begin = (): Operation => ({ id: 'one', signal: AbortSignal.timeout(300_000) });
  const tag = { owner: 'single', resource: 'node-1', incarnation: 1 };

  it('starts a guest, and shows what it printed', async () => {
    const operation = begin();
    await using driver = await open(emulated());
    const { ref } = await driver.machines.create(machine, tag, nameOf('machine', tag), operation);

    await expect
      .poll(
        async () => {
          const shown = await driver.machines.console?.(ref, operation.signal);
          return shown?.kind === 'text' ? shown.text : '';
        },
        { timeout: 240_000, interval: 1_000 },
      )
      .toContain('GUEST-UP');

    await driver.machines.destroy(ref, operation);
    expect(
      (await virsh(exported('LIBVIRT_URI'), 'vol-list', 'default')).filter((n) => n.startsWith(ref)),
    ).toEqual([]);
  });

  it('refuses an image for another processor', async () => {
    const operation = begin();
    await using driver = await open({ ...emulated(), domainType: 'kvm' });

    const wanted = { ...machine, image: 'foreign' };
    const call = driver.machines.create(wanted, tag, nameOf('machine', tag), operation);

    await expect(call).rejects.toMatchObject({ fault: 'invalid' });
  });

  it('gives a container its environment, and says what it cannot give', async () => {
    const operation = begin();
    await using driver = await open(containers());
    await expect(
      driver.machines.create(machine, tag, nameOf('machine', tag), operation),
    ).rejects.toMatchObject({ fault: 'invalid' });
    const { ref } = await driver.machines.create(inContainer, tag, nameOf('machine', tag), operation);

    const { stdout: xml } = await run('virsh', ['-c', exported('LIBVIRT_LXC_URI'), 'dumpxml', ref]);

    expect(xml.replaceAll('&quot;', '"')).toContain('told "you"');
    await driver.machines.destroy(ref, operation);
  });
});
