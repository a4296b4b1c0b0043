import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import type { ProviderDriver } from '@medusa/broker/provision/port';
import type { ResourceKind } from '@medusa/protocol';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

const run = promisify(execFile);
const missing = requirePackages(
  'lxd',
  'lxd-client',
  'uidmap',
  'dnsmasq-base',
  'busybox-static',
  'openssl',
  'nftables',
);

let peer: Peer;
const exported = (name: string): string => peer.exports[name] ?? '';

async function open(settings: object, credentials: object): Promise<ProviderDriver> {
  const definition = await driverDefinitions.lxd?.();
  if (!definition) throw new Error('no driver of that kind');
  const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: peer.base };
  return definition.open(
    definition.settingsSchema.parse(settings),
    definition.credentialsSchema.parse(credentials),
    context,
  );
}

const settings = (where: object): object => ({
  ...where,
  sizes: [{ id: 'tiny', cpus: 1, memoryMiB: 128 }],
  stopSeconds: 2,
  addressPools: [{ name: 'public', network: exported('LXD_NETWORK'), cidr: '198.51.100.0/28' }],
  groupNetworks: [exported('LXD_NETWORK')],
});
const bySocket = (): object => settings({ socketPath: exported('LXD_SOCKET') });

/** LXD's own client, behind the driver's back. */
async function lxc(...args: string[]): Promise<string> {
  const { stdout } = await run('lxc', args, { env: { ...process.env, LXD_DIR: exported('LXD_DIR') } });
  return stdout;
}

async function query(of: string): Promise<readonly string[]> {
  return (JSON.parse(await lxc('query', of)) as string[] | null) ?? [];
}

const volumes = '/1.0/storage-pools/default/volumes/custom';
const counts: Readonly<Record<ResourceKind, () => Promise<readonly unknown[]>>> = {
  machine: async () => query('/1.0/instances'),
  volume: async () => (await query(volumes)).filter((name) => !name.includes('/snapshots/')),
  snapshot: async () => (await query(volumes)).filter((name) => name.includes('/snapshots/')),
  network: async () => query('/1.0/networks'),
  address: async () => query(`/1.0/networks/${exported('LXD_NETWORK')}/forwards`),
  'security-group': async () => query('/1.0/network-acls'),
  image: async () => query('/1.0/images'),
};

async function underTest(where: { settings: object; credentials: object }): Promise<DriverUnderTest> {
  const file = path.join(peer.base, 'rootfs.tar.gz');
  await run('tar', ['-C', exported('LXD_ROOTFS'), '-czf', file, '.']);
  return {
    open: async () => open(where.settings, where.credentials),
    machine: {
      image: exported('LXD_IMAGE'),
      size: 'tiny',
      zone: null,
      networkRefs: [],
      securityGroupRefs: [],
      keyName: null,
      guest: { environment: { MEDUSA_TEST: 'told' }, userData: '#cloud-config\n' },
    },
    count: async (kind) => (await counts[kind]()).length,
    async breakMachine(ref) {
      await lxc('stop', '--force', ref);
    },
    volume: { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } },
    network: {
      kind: 'network',
      tenant: 'test',
      type: 'flat',
      segment: null,
      cidrs: ['10.213.40.0/24'],
      dhcp: true,
      hasGateway: true,
    },
    from: 'public',
    image: {
      kind: 'image',
      role: 'render',
      architecture: 'x64',
      format: 'rootfs-tar',
      file,
      contentHash: createHash('sha256').update(readFileSync(file)).digest('hex'),
    },
    timeoutMs: 60_000,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

describe.skipIf(missing)(`a real LXD${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    peer = await startPeer('lxd');
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  describeProviderDriver('LXD by its socket', async () =>
    underTest({ settings: bySocket(), credentials: {} }),
  );

  it('is told from one that does not trust us', async () => {
    const where = settings({ url: exported('LXD_URL') });
    const serverCertificate = readFileSync(exported('LXD_SERVER_CERT'), 'utf8');
    const trusted = {
      certificate: readFileSync(exported('LXD_CLIENT_CERT'), 'utf8'),
      key: readFileSync(exported('LXD_CLIENT_KEY'), 'utf8'),
      serverCertificate,
    };
    await using known = await open(where, trusted);
    await using stranger = await open(where, { serverCertificate });
    await using deceived = await open(where, { ...trusted, serverCertificate: trusted.certificate });

    const signal = AbortSignal.timeout(20_000);
    expect((await known.probe(signal)).version).toMatch(/^lxd 5/);
    await expect(stranger.probe(signal)).rejects.toMatchObject({ fault: 'auth' });
    await expect(stranger.machines.list('x', signal)).rejects.toMatchObject({ fault: 'auth' });
    await expect(deceived.probe(signal)).rejects.toMatchObject({ fault: 'auth' });
  });
});
