import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineRequest, Operation, OwnerTag, ProviderDriver } from '../../port/index.ts';
import { definition } from './index.ts';
import { OpenstackStandIn, password } from './stand-in/openstack.stand-in.ts';

const node = {
  name: 'reading-room-1',
  driver: 'redfish',
  resourceClass: 'reading-room',
  driverInfo: { redfish_address: 'https://bmc.test' },
  properties: { cpus: 32, memory_mb: 131_072, local_gb: 1_000, cpu_arch: 'x86_64' },
  macs: ['52:54:00:AA:00:01'],
};

describe('bare metal of an OpenStack that plays a real one', () => {
  const tag: OwnerTag = { owner: 'hospital', resource: 'node-1', incarnation: 1 };
  const signal = (): AbortSignal => AbortSignal.timeout(10_000);
  const operation = (): Operation => ({ id: 'one', signal: signal() });
  let cloud: OpenstackStandIn;
  let driver: ProviderDriver;
  let ending: AsyncDisposableStack;
  let request: MachineRequest;
  beforeEach(async () => {
    ending = new AsyncDisposableStack();
    cloud = ending.use(await OpenstackStandIn.start());
    const settings = { authUrl: cloud.authUrl, origins: [], project: 'demo', bareMetal: { nodes: [node] } };
    const bareMetal = { 'reading-room-1': { redfish_password: 'of-the-controller' } };
    driver = ending.use(
      await definition.open(
        definition.settingsSchema.parse(settings),
        definition.credentialsSchema.parse({ kind: 'password', username: 'demo', password, bareMetal }),
        { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nonexistent' },
      ),
    );
    request = {
      image: [...cloud.world.things.images.keys()][0] ?? '',
      size: 'baremetal:baremetal-gpu',
      zone: null,
      networkRefs: [],
      securityGroupRefs: [],
      keyName: null,
      guest: { environment: {}, userData: '#cloud-config\n' },
    };
  });
  afterEach(async () => ending.disposeAsync());

  const nodeNamed = (name: string): Record<string, unknown> | undefined =>
    [...cloud.world.things.nodes.values()].find((candidate) => candidate['name'] === name);
  const state = async (ref: string): Promise<string | undefined> =>
    (await driver.machines.get(ref, signal()))?.state;

  it('claims a node by name, deploys it, and has it cleaned whatever was set', async () => {
    const [free] = cloud.world.things.nodes.values();
    Object.assign(free ?? {}, { automated_clean: false });

    const made = await driver.machines.create(request, tag, 'render-1', operation());

    expect(made).toMatchObject({ name: 'render-1', tag, size: request.size });
    await expect.poll(async () => state(made.ref)).toBe('running');
    expect(free).toMatchObject({
      instance_uuid: made.ref.replace('baremetal:', ''),
      automated_clean: true,
      'instance_info/image_source': request.image,
    });
    expect((await driver.machines.create(request, tag, 'render-1', operation())).ref).toBe(made.ref);
    expect(await driver.machines.list('hospital', signal())).toMatchObject([{ ref: made.ref, tag }]);

    await driver.machines.destroy(made.ref, operation());
    await expect.poll(async () => state(made.ref)).toBeUndefined();
    expect(await driver.machines.list('hospital', signal())).toEqual([]);
    await driver.machines.destroy(made.ref, operation());
  });

  it('says NoValidHost when no node of the class is free, and leaves no claim', async () => {
    await driver.machines.create(request, tag, 'render-1', operation());

    const other = { ...tag, resource: 'node-2' };
    const call = driver.machines.create(request, other, 'render-2', operation());

    await expect(call).rejects.toMatchObject({
      fault: 'capacity',
      message: expect.stringMatching(/^NoValidHost: /) as string,
    });
    expect(cloud.world.things.allocations.size).toBe(1);
  });

  it('refuses a claim of that name that is another one', async () => {
    await driver.machines.create(request, tag, 'render-1', operation());

    const call = driver.machines.create(request, { ...tag, incarnation: 2 }, 'render-1', operation());

    await expect(call).rejects.toMatchObject({ fault: 'conflict' });
  });

  it('enrols a configured node step by step until it can be had', async () => {
    const own = { ...request, size: 'baremetal:reading-room' };
    const create = async (): Promise<string> =>
      driver.machines.create(own, tag, 'render-1', operation()).then(
        () => 'made',
        (error: unknown) => (error as { fault: string }).fault,
      );

    expect(await create()).toBe('capacity');
    expect(nodeNamed('reading-room-1')).toMatchObject({
      automated_clean: true,
      driver_info: { redfish_address: 'https://bmc.test', redfish_password: 'of-the-controller' },
      resource_class: 'reading-room',
    });
    expect(cloud.calls.find(({ call }) => call === 'baremetal POST /ports')?.body).toMatchObject({
      address: '52:54:00:aa:00:01',
    });
    await expect.poll(create, { timeout: 10_000 }).toBe('made');
    expect(cloud.calls.filter(({ call }) => call === 'baremetal POST /nodes')).toHaveLength(1);
  });

  it('lets go of a node that could not be deployed', async () => {
    cloud.refusals.set('baremetal PATCH /nodes', {
      status: 409,
      body: '{"error_message": "Node x is locked by host y"}',
    });

    const call = driver.machines.create(request, tag, 'render-1', operation());

    await expect(call).rejects.toMatchObject({ fault: 'transient' });
    expect(cloud.world.things.allocations.size).toBe(0);
  });

  it('switches its power, and cannot suspend it', async () => {
    const { ref } = await driver.machines.create(request, tag, 'render-1', operation());
    await expect.poll(async () => state(ref)).toBe('running');

    await driver.machines.act(ref, 'stop', operation());
    await expect.poll(async () => state(ref)).toBe('stopped');
    await driver.machines.act(ref, 'start', operation());
    await expect.poll(async () => state(ref)).toBe('running');

    await expect(driver.machines.act(ref, 'suspend', operation())).rejects.toMatchObject({
      fault: 'invalid',
    });
    await expect(driver.machines.console?.(ref, signal())).rejects.toMatchObject({ fault: 'invalid' });
  });

  it('refuses a class that nobody has', async () => {
    const call = driver.machines.create(
      { ...request, size: 'baremetal:nobody-has-it' },
      tag,
      'render-1',
      operation(),
    );
    await expect(call).rejects.toMatchObject({ fault: 'not-found' });
  });
});
