import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import { isProviderFault, nameOf, type OwnerTag, type ProviderDriver } from '@medusa/broker/provision/port';
import { resourceKindSchema, type NetworkSpec, type ResourceKind } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';
import {
  countOf,
  credentialsOf,
  machineOf,
  openAdmin,
  openDriver,
  openstackPackages,
  settingsOf,
  type Admin,
} from './openstack-cloud.ts';
import { openRecorder, type Recorder } from './recorder.ts';

const missing = requirePackages(...openstackPackages);
/** Where stand-ins find what the cloud said. */
const recordings = path.join(import.meta.dirname, '../../../broker/provision/drivers/openstack/recorded');
const waitMs = 180_000;

let peer: Peer;
let admin: Admin;
let recorder: Recorder;
let folder: string;
let image: string;
let flavors: Readonly<Record<string, string>>;
let before: Readonly<Partial<Record<ResourceKind, number>>>;

const settings = (more: object = {}): object => ({
  ...settingsOf(peer.exports),
  authUrl: recorder.authUrl,
  origins: [recorder.origin],
  ...more,
});
const asDemo = async (more: object = {}): Promise<ProviderDriver> =>
  openDriver(settings(more), credentialsOf(peer.exports, 'demo'));
const asAdmin = async (more: object = {}): Promise<ProviderDriver> =>
  openDriver(settings(more), credentialsOf(peer.exports, 'admin'));

const signal = (): AbortSignal => AbortSignal.timeout(waitMs);
const operation = (): { id: string; signal: AbortSignal } => ({
  id: randomBytes(8).toString('hex'),
  signal: signal(),
});
const owner = `t${randomBytes(5).toString('hex')}`;
const tagged = (kind: ResourceKind, resource: string): [OwnerTag, string] => {
  const tag = { owner, resource, incarnation: 1 };
  return [tag, nameOf(kind, tag)];
};
const blank = { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } } as const;
const network: NetworkSpec = {
  kind: 'network',
  tenant: 'test',
  type: 'vxlan',
  segment: null,
  cidrs: ['10.213.40.0/24'],
  dhcp: true,
  hasGateway: true,
};

async function faultOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return isProviderFault(error) ? error.fault : String(error);
  }
  return 'none';
}

async function until(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  await expect.poll(read, { timeout: waitMs, interval: 300 }).toEqual(expected);
}

async function counts(): Promise<Partial<Record<ResourceKind, number>>> {
  const all = resourceKindSchema.options.map(async (kind) => [kind, await countOf(admin, kind)] as const);
  return Object.fromEntries(await Promise.all(all));
}

function underTest(): DriverUnderTest {
  const file = path.join(folder, 'image.raw');
  const bytes = randomBytes(2_000_000);
  writeFileSync(file, bytes);
  return {
    open: async () => asDemo(),
    machine: machineOf(image, flavors['m1.tiny'] ?? ''),
    count: async (kind) => countOf(admin, kind),
    async breakMachine(ref) {
      await admin.ask('compute', `POST /v2.1/servers/${ref}/action`, { 'os-resetState': { state: 'error' } });
    },
    volume: blank,
    network,
    from: 'public',
    image: {
      kind: 'image',
      role: 'render',
      architecture: 'x64',
      format: 'raw',
      file,
      contentHash: createHash('sha256').update(bytes).digest('hex'),
    },
    timeoutMs: waitMs,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

describe.skipIf(missing)(`a real OpenStack${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    peer = await startPeer('openstack');
    admin = openAdmin(peer.exports);
    recorder = await openRecorder(peer.exports['OS_ORIGINS']?.split(',') ?? []);
    folder = mkdtempSync(path.join(tmpdir(), 'medusa-image-'));
    await using driver = await asDemo();
    const catalog = await driver.catalog(signal());
    image = catalog.images.find(({ name }) => name === 'tiny')?.id ?? '';
    flavors = Object.fromEntries(catalog.sizes.map(({ id, name }) => [name, id]));
    before = await counts();
  });
  afterAll(async () => {
    if (process.env['MEDUSA_RECORD']) recorder.save(recordings);
    await recorder[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
    await peer[Symbol.asyncDispose]();
  });

  it('tells what the cloud offers, and how much of it is used', { timeout: waitMs }, async () => {
    await using member = await asDemo();
    await using administrator = await asAdmin({ bareMetal: {} });

    const catalog = await member.catalog(signal());
    const seen = await member.probe(signal());
    const all = await administrator.probe(signal());

    expect(catalog.sizes.find(({ name }) => name === 'g1.gpu')).toMatchObject({
      cpus: 8,
      gpu: { model: 'A100', count: 1 },
      encoder: 'nvenc',
    });
    expect(catalog.networks.map(({ name, isExternal }) => `${name} ${isExternal}`).sort()).toEqual([
      'private false',
      'public true',
    ]);
    expect(seen.version).toBe('Nova 2.90');
    expect(seen.quotas).toContainEqual({ name: 'machines', used: 0, limit: 200, unit: '' });
    expect(seen.quotas.map(({ name }) => name)).not.toContain('CUSTOM_GPU_A100');
    expect(all.quotas).toContainEqual({ name: 'CUSTOM_GPU_A100', used: 0, limit: 4, unit: 'GPU' });
    expect(all.quotas).toContainEqual({ name: 'baremetal:baremetal-gpu', used: 0, limit: 2, unit: 'node' });
    expect((await administrator.catalog(signal())).sizes).toContainEqual({
      id: 'baremetal:baremetal-gpu',
      name: 'baremetal-gpu (bare metal)',
      cpus: 64,
      memoryMiB: 524_288,
      diskGiB: 2_000,
      gpu: null,
      encoder: null,
      architecture: 'x64',
    });
  });

  it('says NoValidHost when the graphics cards are used up', { timeout: 900_000 }, async () => {
    await using driver = await asDemo();
    const gpu = machineOf('tiny', 'g1.gpu');

    const made = await Promise.all(
      [1, 2, 3, 4, 5].map(async (number) =>
        driver.machines.create(gpu, ...tagged('machine', `gpu-${number}`), operation()),
      ),
    );

    const states = async (): Promise<string[]> =>
      (await driver.machines.list(owner, signal())).map(({ state }) => state).sort();
    await until(states, ['error', 'running', 'running', 'running', 'running']);
    const failed = (await driver.machines.list(owner, signal())).find(({ state }) => state === 'error');
    expect(failed?.detail).toMatch(/^ERROR: NoValidHost: No valid host was found/);
    await using administrator = await asAdmin();
    const [tag, name] = tagged('machine', 'gpu-6');
    // Who may ask Placement is told before a server is made that could only fail.
    const sixth = administrator.machines.create(gpu, tag, name, operation());
    expect(await faultOf(sixth)).toBe('capacity');
    expect(await driver.machines.list(owner, signal())).toHaveLength(made.length);
    await Promise.all(made.map(async ({ ref }) => driver.machines.destroy(ref, operation())));
    await until(async () => driver.machines.list(owner, signal()), []);
  });

  it('tells real refusals in the words the engine acts upon', { timeout: 1_800_000 }, async () => {
    await using driver = await asDemo();
    const { machines, volumes, snapshots, networks, securityGroups } = driver;
    if (!volumes || !snapshots || !networks || !securityGroups) throw new Error('a part is missing');
    const inNetwork = await networks.create(network, ...tagged('network', 'net'), operation());
    const group = await securityGroups.create(
      { rules: [] },
      ...tagged('security-group', 'group'),
      operation(),
    );
    const volume = await volumes.create(blank, ...tagged('volume', 'data'), operation());
    const tiny = machineOf('tiny', 'm1.tiny');
    const machine = await machines.create(
      { ...tiny, networkRefs: [inNetwork.ref], securityGroupRefs: [group.ref] },
      ...tagged('machine', 'node'),
      operation(),
    );
    await until(async () => (await machines.get(machine.ref, signal()))?.state, 'running');
    await until(async () => (await volumes.get(volume.ref, signal()))?.detail, 'available');
    await volumes.attach(volume.ref, machine.ref, operation());
    await until(async () => (await volumes.get(volume.ref, signal()))?.detail, 'in-use');

    expect(await faultOf(volumes.destroy(volume.ref, operation()))).toBe('conflict');
    expect(await faultOf(networks.destroy(inNetwork.ref, operation()))).toBe('conflict');
    expect(await faultOf(securityGroups.destroy(group.ref, operation()))).toBe('conflict');
    expect(await faultOf(machines.act(machine.ref, 'resume', operation()))).toBe('none');
    await machines.act(machine.ref, 'stop', operation());
    await until(async () => (await machines.get(machine.ref, signal()))?.state, 'stopped');
    expect(await faultOf(machines.act(machine.ref, 'suspend', operation()))).toBe('conflict');
    const nowhere = { ...tiny, networkRefs: ['00000000-0000-4000-8000-000000000000'] };
    expect(await faultOf(machines.create(nowhere, ...tagged('machine', 'lost'), operation()))).toBe(
      'invalid',
    );
    const ofNothing = { ...tiny, image: '00000000-0000-4000-8000-000000000000' };
    expect(await faultOf(machines.create(ofNothing, ...tagged('machine', 'empty'), operation()))).toBe(
      'invalid',
    );
    const elsewhere = { ...blank, type: 'no-such-type' };
    expect(['invalid', 'not-found']).toContain(
      await faultOf(volumes.create(elsewhere, ...tagged('volume', 'odd'), operation())),
    );

    await volumes.detach(volume.ref, operation());
    await until(async () => (await volumes.get(volume.ref, signal()))?.detail, 'available');
    const snapshot = await snapshots.create(
      { volumeRef: volume.ref },
      ...tagged('snapshot', 'kept'),
      operation(),
    );
    await until(async () => (await snapshots.get(snapshot.ref, signal()))?.state, 'running');
    expect(await faultOf(volumes.destroy(volume.ref, operation()))).toBe('conflict');
    await snapshots.destroy(snapshot.ref, operation());
    await until(async () => snapshots.get(snapshot.ref, signal()), undefined);

    // The project may have ten volumes and ten groups.
    const faults = new Set<string>();
    for (let number = 0; number < 10; number += 1) {
      faults.add(await faultOf(volumes.create(blank, ...tagged('volume', `v-${number}`), operation())));
      faults.add(
        await faultOf(
          securityGroups.create({ rules: [] }, ...tagged('security-group', `g-${number}`), operation()),
        ),
      );
    }
    expect([...faults].sort()).toEqual(['none', 'quota']);

    await machines.destroy(machine.ref, operation());
    await until(async () => machines.get(machine.ref, signal()), undefined);
    for (const port of [volumes, securityGroups, networks]) {
      for (const { ref } of await port.list(owner, signal())) await port.destroy(ref, operation());
      await until(async () => port.list(owner, signal()), []);
    }
  });

  it('makes the networks that only an administrator may', { timeout: 600_000 }, async () => {
    await using member = await asDemo({ physicalNetwork: 'physnet1' });
    await using administrator = await asAdmin({ physicalNetwork: 'physnet1' });
    const vlan: NetworkSpec = {
      ...network,
      type: 'vlan',
      segment: 150,
      cidrs: ['10.213.50.0/24', 'fd00:213:50::/64'],
      dhcp: false,
      hasGateway: false,
    };
    const { networks } = administrator;
    if (!networks || !member.networks) throw new Error('a part is missing');

    expect(await faultOf(member.networks.create(vlan, ...tagged('network', 'vlan'), operation()))).toBe(
      'auth',
    );
    expect(await member.networks.list(owner, signal())).toEqual([]);
    const made = await networks.create(vlan, ...tagged('network', 'vlan'), operation());
    const chosen = await networks.create(
      { ...network, cidrs: null },
      ...tagged('network', 'any'),
      operation(),
    );

    expect(await networks.get(made.ref, signal())).toMatchObject({
      state: 'running',
      segment: 150,
      cidrs: vlan.cidrs,
    });
    expect(chosen.cidrs).toHaveLength(2);
    expect(await networks.get(chosen.ref, signal())).toMatchObject({ state: 'running', cidrs: chosen.cidrs });
    for (const { ref } of await networks.list(owner, signal())) await networks.destroy(ref, operation());
    expect(await networks.list(owner, signal())).toEqual([]);
  });

  it('enrols bare metal, deploys it, and has it cleaned after its tenant', { timeout: 600_000 }, async () => {
    const node = {
      name: 'reading-room-1',
      driver: 'fake-hardware',
      resourceClass: 'reading-room',
      properties: { cpus: 32, memory_mb: 131_072, local_gb: 1_000, cpu_arch: 'x86_64' },
      macs: ['52:54:00:aa:00:01'],
    };
    await using driver = await asAdmin({ bareMetal: { nodes: [node] } });
    const { machines } = driver;
    const whole = machineOf('tiny', 'baremetal:reading-room');
    const [tag, name] = tagged('machine', 'metal');
    const stateOf = async (): Promise<Record<string, unknown>> => {
      const { body } = await admin.ask('baremetal', 'GET /v1/nodes/reading-room-1');
      const { provision_state, instance_uuid, automated_clean } = body as Record<string, unknown>;
      return { provision_state, instance_uuid, automated_clean };
    };
    let ref = '';

    // Until it is enrolled, checked and cleaned there is no node to be had.
    const create = async (): Promise<string> =>
      faultOf(
        machines.create(whole, tag, name, operation()).then((made) => {
          ref = made.ref;
        }),
      );
    expect(await create()).toBe('capacity');
    // Somebody turned cleaning off for this node: a tenant with patients' data turns it on again.
    const off = [{ op: 'add', path: '/automated_clean', value: false }];
    await until(
      async () => (await admin.ask('baremetal', 'PATCH /v1/nodes/reading-room-1', off)).status,
      200,
    );
    await until(create, 'none');
    // The pretended hardware is not switched on by its deployment.
    await until(async () => (await machines.get(ref, signal()))?.state, 'stopped');
    expect(await machines.list(owner, signal())).toMatchObject([{ ref, tag, name, size: whole.size }]);
    expect((await machines.create(whole, tag, name, operation())).ref).toBe(ref);
    const [otherTag, otherName] = tagged('machine', 'metal-2');
    expect(await faultOf(machines.create(whole, otherTag, otherName, operation()))).toBe('capacity');
    for (const [action, state] of [
      ['start', 'running'],
      ['stop', 'stopped'],
      ['restart', 'running'],
    ] as const) {
      await machines.act(ref, action, operation());
      await until(async () => (await machines.get(ref, signal()))?.state, state);
    }
    expect(await faultOf(machines.act(ref, 'suspend', operation()))).toBe('invalid');

    await machines.destroy(ref, operation());
    await until(async () => machines.get(ref, signal()), undefined);
    await until(stateOf, { provision_state: 'available', instance_uuid: null, automated_clean: true });
    const log = readFileSync(path.join(peer.base, 'log/ironic.log'), 'utf8');
    expect(log).toContain('moved to provision state "cleaning" from state "deleting"');
    expect(await machines.list(owner, signal())).toEqual([]);
    await admin.ask('baremetal', 'DELETE /v1/nodes/reading-room-1');
  });

  it('goes on when its token has ended', { timeout: waitMs }, async () => {
    const opened = new Date();
    // By this clock no token ever ends: that it did, only the cloud can say.
    await using driver = await openDriver(settings(), credentialsOf(peer.exports, 'demo'), {
      now: () => opened,
    });
    await driver.machines.list(owner, signal());
    const old = recorder.token();
    const identity = peer.exports['OS_AUTH_URL'] ?? '';
    const headers = { 'x-auth-token': await admin.token(), 'x-subject-token': old };

    await fetch(`${identity}/auth/tokens`, { method: 'DELETE', headers });
    const compute = `${peer.exports['OS_ORIGINS']?.split(',')[3] ?? ''}/v2.1/servers`;
    await until(async () => (await fetch(compute, { headers: { 'x-auth-token': old } })).status, 401);

    expect(await driver.machines.list(owner, signal())).toEqual([]);
    expect(recorder.token()).not.toBe(old);
  });

  it('logs in with an application credential', { timeout: waitMs }, async () => {
    const { id, secret, remove } = await applicationCredential();
    try {
      const credentials = { kind: 'application-credential', id, secret };
      await using driver = await openDriver(settings({ project: null }), credentials);
      expect((await driver.probe(signal())).version).toBe('Nova 2.90');
    } finally {
      await remove();
    }
    const wrong = { kind: 'application-credential', id, secret };
    expect(await faultOf(openDriver(settings({ project: null }), wrong))).toBe('auth');
    expect(
      await faultOf(openDriver(settings(), { ...credentialsOf(peer.exports, 'demo'), password: 'wrong' })),
    ).toBe('auth');
  });

  it('reaches nothing that the catalogue names but the settings do not', { timeout: waitMs }, async () => {
    const origins = peer.exports['OS_ORIGINS']?.split(',') ?? [];
    const compute = origins[3] ?? '';
    const some = { ...settingsOf(peer.exports), origins: origins.filter((origin) => origin !== compute) };
    await using driver = await openDriver(some, credentialsOf(peer.exports, 'demo'));

    await expect(driver.machines.list(owner, signal())).rejects.toMatchObject({
      fault: 'invalid',
      message: expect.stringContaining(compute) as string,
    });
  });

  describeProviderDriver('OpenStack', async () => Promise.resolve(underTest()));

  it('leaves nothing behind', { timeout: waitMs }, async () => {
    expect(await counts()).toEqual(before);
  });
});

async function applicationCredential(): Promise<{ id: string; secret: string; remove: () => Promise<void> }> {
  const identity = peer.exports['OS_AUTH_URL'] ?? '';
  const user = { name: 'demo', domain: { id: 'default' }, password: peer.exports['OS_DEMO_PASSWORD'] };
  const scope = { project: { name: 'demo', domain: { id: 'default' } } };
  const login = await fetch(`${identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  });
  const { token } = (await login.json()) as { token: { user: { id: string } } };
  const headers = {
    'content-type': 'application/json',
    'x-auth-token': login.headers.get('x-subject-token') ?? '',
  };
  const all = `${identity}/users/${token.user.id}/application_credentials`;
  const body = JSON.stringify({ application_credential: { name: 'medusa' } });
  const made = await fetch(all, { method: 'POST', headers, body });
  const { application_credential: credential } = (await made.json()) as {
    application_credential: { id: string; secret: string };
  };
  return {
    ...credential,
    async remove() {
      await fetch(`${all}/${credential.id}`, { method: 'DELETE', headers });
    },
  };
}
