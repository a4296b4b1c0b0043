import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import { nameOf, type OwnerTag, type ProviderDriver } from '@medusa/broker/provision/port';
import type { ResourceKind } from '@medusa/protocol';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

const run = promisify(execFile);
const missing = requirePackages(
  'podman',
  'crun',
  'busybox-static',
  'containernetworking-plugins',
  'iptables',
  'nftables',
  'curl',
);

let peer: Peer;
const exported = (name: string): string => peer.exports[name] ?? '';

async function open(): Promise<ProviderDriver> {
  const definition = await driverDefinitions.docker?.();
  if (!definition) throw new Error('no driver of that kind');
  const settings = {
    socketPath: exported('DOCKER_SOCKET'),
    network: 'none',
    sizes: [{ id: 'tiny', cpus: 1, memoryMiB: 64 }],
    stopSeconds: 2,
  };
  const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: peer.base };
  return definition.open(definition.settingsSchema.parse(settings), {}, context);
}

/** Podman's own API, behind the driver's back. What it answers goes into a file when one is named. */
async function podman(method: string, of: string, file?: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  request({ socketPath: exported('DOCKER_SOCKET'), path: `/v4.0.0/libpod${of}`, method }, (answer) => {
    buffer(answer).then(resolve, reject);
  })
    .on('error', reject)
    .end();
  const body = await promise;
  if (file !== undefined) writeFileSync(file, body);
  return file !== undefined || body.length === 0 ? null : JSON.parse(body.toString('utf8'));
}

const things: Readonly<Partial<Record<ResourceKind, string>>> = {
  machine: '/containers/json?all=true',
  volume: '/volumes/json',
  network: '/networks/json',
  image: '/images/json',
};

async function underTest(): Promise<DriverUnderTest> {
  const file = path.join(peer.base, 'rootfs.tar');
  await run('tar', ['-C', exported('DOCKER_ROOTFS'), '-cf', file, '.']);
  return {
    open,
    machine: {
      image: exported('DOCKER_IMAGE'),
      size: 'tiny',
      zone: null,
      networkRefs: [],
      securityGroupRefs: [],
      keyName: null,
      guest: { environment: { MEDUSA_TEST: 'told' }, userData: '#cloud-config\n' },
    },
    count: async (kind) => ((await podman('GET', things[kind] ?? '')) as unknown[] | null)?.length ?? 0,
    async breakMachine(ref) {
      await podman('POST', `/containers/${ref}/kill?signal=KILL`);
    },
    volume: { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } },
    network: {
      kind: 'network',
      tenant: 'test',
      type: 'flat',
      segment: null,
      cidrs: ['10.214.40.0/24'],
      dhcp: true,
      hasGateway: true,
    },
    image: {
      kind: 'image',
      role: 'render',
      architecture: 'x64',
      format: 'rootfs-tar',
      file,
      contentHash: createHash('sha256').update(readFileSync(file)).digest('hex'),
    },
    timeoutMs: 120_000,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

describe.skipIf(missing)(`a real Podman${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    peer = await startPeer('podman');
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  describeProviderDriver('Docker API', underTest);

  it('takes in an archive of an image, and runs it', async () => {
    await using driver = await open();
    const { machine } = await underTest();
    const file = path.join(peer.base, 'image.tar');
    await podman('GET', `/images/${exported('DOCKER_IMAGE')}/get?format=oci-archive`, file);
    const contentHash = createHash('sha256').update(readFileSync(file)).digest('hex');
    const operation = { id: 'archive', signal: AbortSignal.timeout(120_000) };
    const tag = (resource: string): OwnerTag => ({ owner: 'archive', resource, incarnation: 1 });
    const spec = { kind: 'image', role: 'render', architecture: 'x64', format: 'oci-tar' } as const;

    const image = await driver.images?.create(
      { ...spec, file, contentHash },
      tag('render'),
      nameOf('image', tag('render')),
      operation,
    );
    const { ref, state } = await driver.machines.create(
      { ...machine, image: image?.ref ?? '' },
      tag('node-1'),
      nameOf('machine', tag('node-1')),
      operation,
    );

    expect(state).toBe('running');
    await driver.machines.destroy(ref, operation);
    await driver.images?.destroy(image?.ref ?? '', operation);
  });

  it('shows what a container printed', async () => {
    await using driver = await open();
    const { machine } = await underTest();
    const tag = { owner: 'console', resource: 'node-1', incarnation: 1 };
    const operation = { id: 'console', signal: AbortSignal.timeout(60_000) };
    const { ref } = await driver.machines.create(machine, tag, 'medusa-console-mac-node-1-1', operation);

    await expect
      .poll(async () => driver.machines.console?.(ref, operation.signal), { timeout: 30_000 })
      .toEqual({ kind: 'text', text: 'GUEST-UP\n' });

    await driver.machines.destroy(ref, operation);
  });
});
