import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NetworkSpec } from '@medusa/protocol';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import {
  capabilitiesOf,
  type MachineRequest,
  type Operation,
  type OwnerTag,
  type ProviderDriver,
} from '../../port/index.ts';
import { definition } from './index.ts';
import { OpenstackStandIn, password } from './stand-in/openstack.stand-in.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'medusa-openstack-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function open(
  cloud: OpenstackStandIn,
  more: object = {},
  now = () => new Date(),
): Promise<ProviderDriver> {
  const settings = {
    authUrl: cloud.authUrl,
    origins: [],
    region: 'RegionOne',
    project: 'demo',
    defaultNetwork: 'private',
    externalNetwork: 'public',
    ...more,
  };
  return definition.open(
    definition.settingsSchema.parse(settings),
    definition.credentialsSchema.parse({ kind: 'password', username: 'demo', password }),
    { log: pino({ level: 'silent' }), now, dataDir: folder },
  );
}

function machineOf(cloud: OpenstackStandIn, flavor = 'm1.tiny'): MachineRequest {
  const flavors = cloud.world.say('compute', 'GET /v2.1/flavors/detail 200').body['flavors'] as {
    id: string;
    name: string;
  }[];
  const [image] = cloud.world.things.images.keys();
  return {
    image: image ?? '',
    size: flavors.find(({ name }) => name === flavor)?.id ?? '',
    zone: null,
    networkRefs: [],
    securityGroupRefs: [],
    keyName: null,
    guest: { environment: {}, userData: '#cloud-config\n' },
  };
}

function imageFile(): { file: string; contentHash: string } {
  const file = path.join(folder, 'image.raw');
  writeFileSync(file, 'what was built');
  return { file, contentHash: createHash('sha256').update('what was built').digest('hex') };
}

describeProviderDriver('OpenStack', async () => {
  const cloud = await OpenstackStandIn.start();
  return {
    open: async () => open(cloud),
    machine: machineOf(cloud),
    count: async (kind) => Promise.resolve(cloud.count(kind)),
    async breakMachine(ref) {
      Object.assign(cloud.world.things.servers.get(ref) ?? {}, { status: 'ERROR' });
      return Promise.resolve();
    },
    volume: { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } },
    network: {
      kind: 'network',
      tenant: 'test',
      type: 'vxlan',
      segment: null,
      cidrs: ['10.213.40.0/24'],
      dhcp: true,
      hasGateway: true,
    },
    from: 'public',
    image: { kind: 'image', role: 'render', architecture: 'x64', format: 'raw', ...imageFile() },
    [Symbol.asyncDispose]: async () => cloud[Symbol.asyncDispose](),
  };
});

describe('an OpenStack that plays a real one', () => {
  const tag: OwnerTag = { owner: 'hospital', resource: 'node-1', incarnation: 3 };
  const operation = (): Operation => ({ id: 'one', signal: AbortSignal.timeout(10_000) });
  const signal = (): AbortSignal => AbortSignal.timeout(10_000);
  let cloud: OpenstackStandIn;
  let driver: ProviderDriver;
  let ending: AsyncDisposableStack;
  beforeAll(() => imageFile());
  beforeEach(async () => {
    ending = new AsyncDisposableStack();
    cloud = ending.use(await OpenstackStandIn.start());
    driver = ending.use(await open(cloud));
  });
  afterEach(async () => ending.disposeAsync());

  const asked = (call: string): readonly { body: unknown; version: string | undefined }[] =>
    cloud.calls.filter((one) => one.call.startsWith(call));

  it('writes the owner onto a server in the call that makes it', async () => {
    await driver.machines.create(machineOf(cloud), tag, 'render-1', operation());

    expect(asked('compute POST /servers')).toMatchObject([
      {
        version: 'compute 2.90',
        body: {
          server: {
            name: 'render-1',
            metadata: { 'medusa-owner': 'hospital', 'medusa-resource': 'node-1', 'medusa-incarnation': '3' },
            tags: ['medusa', 'medusa-owner-hospital'],
            user_data: Buffer.from('#cloud-config\n').toString('base64'),
          },
        },
      },
    ]);
  });

  it('asks an old cloud for what it knows', async () => {
    await using old = await OpenstackStandIn.start({ newest: { compute: '2.30', volume: '3.30' } });
    await using to = await open(old, { defaultNetwork: null });

    await to.machines.create(machineOf(old), tag, 'render-1', operation());
    const catalog = await to.catalog(signal());

    const [made] = old.calls.filter(({ call }) => call === 'compute POST /servers');
    expect(made?.version).toBe('compute 2.30');
    const server = (made?.body as { server: Record<string, unknown> }).server;
    expect(server['metadata']).toMatchObject({ 'medusa-owner': 'hospital' });
    expect(server).not.toHaveProperty('tags');
    expect(server).not.toHaveProperty('networks');
    expect(catalog.sizes.find(({ name }) => name === 'g1.gpu')?.gpu).toEqual({ model: 'A100', count: 1 });
    expect(capabilitiesOf(to)).not.toContain('volumes.revert');
    expect(capabilitiesOf(driver)).toContain('volumes.revert');
  });

  it('tells a server without a host as one for want of capacity', async () => {
    cloud.world.isFull = true;
    const { ref } = await driver.machines.create(machineOf(cloud), tag, 'render-1', operation());

    await expect
      .poll(async () => driver.machines.get(ref, signal()))
      .toMatchObject({
        state: 'error',
        detail: expect.stringMatching(/^ERROR: NoValidHost: No valid host was found/) as string,
      });
    expect(await driver.machines.list('hospital', signal())).toMatchObject([{ ref, state: 'error' }]);
  });

  it('asks for no server of which Placement has no host', async () => {
    cloud.world.freeGpus = 0;

    const call = driver.machines.create(machineOf(cloud, 'g1.gpu'), tag, 'render-1', operation());

    await expect(call).rejects.toMatchObject({
      fault: 'capacity',
      message: 'NoValidHost: Placement has no host with CUSTOM_GPU_A100:1 free',
    });
    expect(asked('compute POST /servers')).toEqual([]);
    cloud.world.freeGpus = 1;
    await driver.machines.create(machineOf(cloud, 'g1.gpu'), tag, 'render-1', operation());
  });

  it('lets a user pass who may not ask Placement, and asks no more', async () => {
    const { status, body } = cloud.world.say('placement', 'GET /allocation_candidates 403');
    cloud.refusals.set('placement GET /alloc', { status, body: JSON.stringify(body) });

    for (const name of ['render-1', 'render-2'])
      await driver.machines.create(machineOf(cloud, 'g1.gpu'), tag, name, operation());

    expect(asked('placement GET /allocation_candidates')).toHaveLength(1);
  });

  it('logs in again when the cloud ends its token, and gives up when a new one is refused too', async () => {
    cloud.tokens.clear();
    expect(await driver.machines.list('hospital', signal())).toEqual([]);
    expect(asked('identity POST')).toHaveLength(2);

    cloud.tokens.clear();
    const never = cloud.world.say('identity', 'POST /v3/auth/tokens 401');
    cloud.refusals.set('identity POST', { status: 401, body: JSON.stringify(never.body) });
    await expect(driver.machines.list('hospital', signal())).rejects.toMatchObject({ fault: 'auth' });
  });

  it('renews a token before it ends, once for all who wait', async () => {
    let time = Date.now();
    await using patient = await open(cloud, {}, () => new Date(time));
    const before = asked('identity POST').length;

    time += 86_400_000 - 30_000;
    cloud.tokenMs = 2 * 86_400_000;
    await Promise.all([1, 2, 3].map(async () => patient.machines.list('hospital', signal())));

    expect(asked('identity POST')).toHaveLength(before + 1);
  });

  it('never shows the password or a token in what it says', async () => {
    const wrong = { kind: 'password', username: 'demo', password: 'not-the-one' };
    const settings = { authUrl: cloud.authUrl, origins: [], project: 'demo' };
    const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: folder };
    const refused = await definition
      .open(definition.settingsSchema.parse(settings), definition.credentialsSchema.parse(wrong), context)
      .catch((error: unknown) => error);

    expect(refused).toMatchObject({ fault: 'auth' });
    const text = JSON.stringify(refused, Object.getOwnPropertyNames(refused));
    expect(text).not.toContain('not-the-one');
    expect(text).not.toMatch(/token-\d/);
  });

  it('reaches no origin that is not configured', async () => {
    const elsewhere = cloud.world.say('identity', 'POST /v3/auth/tokens 201');
    const body = JSON.stringify(elsewhere.body).replaceAll('http://cloud.test/compute', 'http://127.0.0.1:9');
    cloud.refusals.set('identity POST', {
      status: 201,
      headers: { 'x-subject-token': 'token-of-elsewhere' },
      body: body.replaceAll('http://cloud.test', cloud.origin).replaceAll('2026-01-01', '2999-01-01'),
    });
    cloud.tokens.add('token-of-elsewhere');
    await using deceived = await open(cloud);

    await expect(deceived.machines.list('hospital', signal())).rejects.toMatchObject({
      fault: 'invalid',
      message: expect.stringContaining('http://127.0.0.1:9') as string,
    });
  });

  it('knows a create whose answer was lost as one of unknown outcome', async () => {
    cloud.refusals.set('compute POST /servers', {
      status: 500,
      body: '{"computeFault":{"code":500,"message":"x"}}',
    });
    const call = driver.machines.create(machineOf(cloud), tag, 'render-1', operation());
    await expect(call).rejects.toMatchObject({ fault: 'unknown-outcome' });

    cloud.refusals.set('compute POST /servers', { status: 202, body: '{"server":' });
    const cut = driver.machines.create(machineOf(cloud), tag, 'render-1', operation());
    await expect(cut).rejects.toMatchObject({ fault: 'unknown-outcome' });
  });

  it('takes away what it made of a network that cannot be completed', async () => {
    const spec: NetworkSpec = {
      kind: 'network',
      tenant: 'test',
      type: 'vxlan',
      segment: null,
      cidrs: ['10.213.40.0/24'],
      dhcp: true,
      hasGateway: true,
    };
    const before = cloud.count('network');
    cloud.refusals.set('network PUT /routers', {
      status: 409,
      body: '{"NeutronError":{"type":"X","message":"no","detail":""}}',
    });

    await expect(driver.networks?.create(spec, tag, 'net', operation())).rejects.toMatchObject({
      fault: 'conflict',
    });

    expect(cloud.count('network')).toBe(before);
    expect(cloud.world.things.routers.size).toBe(0);
  });

  it('tells a network that lost its maker half-way as incomplete', async () => {
    const spec = {
      kind: 'network',
      tenant: 'test',
      type: 'vxlan',
      segment: null,
      dhcp: true,
      hasGateway: true,
    } as const;
    const made = await driver.networks?.create(
      { ...spec, cidrs: ['10.213.40.0/24'] },
      tag,
      'net',
      operation(),
    );
    cloud.world.things.subnets.clear();

    expect(await driver.networks?.get(made?.ref ?? '', signal())).toMatchObject({
      state: 'error',
      detail: 'incomplete: 1 of 2 subnets and router interfaces',
    });
  });

  it('does not keep an image that arrived spoilt', async () => {
    cloud.isImageSpoilt = true;
    const before = cloud.count('image');
    const spec = {
      kind: 'image',
      role: 'render',
      architecture: 'x64',
      format: 'qcow2',
      ...imageFile(),
    } as const;

    await expect(driver.images?.create(spec, tag, 'image', operation())).rejects.toMatchObject({
      fault: 'transient',
    });

    expect(cloud.count('image')).toBe(before);
  });

  it('moves an address with one call', async () => {
    const address = await driver.addresses?.create({ from: null }, tag, 'front', operation());
    const machine = await driver.machines.create(machineOf(cloud), tag, 'render-1', operation());

    await driver.addresses?.assign(address?.ref ?? '', machine.ref, operation());

    expect(asked('network PUT /floatingips')).toHaveLength(1);
  });

  it('refuses a name that two images have', async () => {
    const { images } = cloud.world.things;
    const [first] = images.values();
    if (first) images.set('other', { ...first, id: 'other' });

    const call = driver.machines.create({ ...machineOf(cloud), image: 'tiny' }, tag, 'render-1', operation());

    await expect(call).rejects.toMatchObject({ fault: 'invalid' });
    expect(cloud.count('machine')).toBe(0);
  });
});
