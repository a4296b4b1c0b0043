import {
  nodeIdSchema,
  poolIdSchema,
  providerIdSchema,
  putPoolSchema,
  resourceIdSchema,
} from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeRegistry } from '../../node/index.ts';
import { createOcciStore } from '../../persistence/index.ts';
import type { Cloud } from '../../provision/drivers/simulated/cloud.ts';
import { startSimulatedCloud } from '../../provision/drivers/simulated/simulated-cloud.ts';
import { occiClient, type OcciClient, type Part } from '../../support/occi-client.ts';
import { startOcciEdge, type OcciEdge } from '../../support/occi-edge.ts';
import { startTestDatabase } from '../../support/test-database.ts';
import {
  addCloud,
  by,
  cloudId,
  guestsOf,
  machineOf,
  quickCloud,
  startTestEngine,
  type TestEngine,
} from '../../support/test-provisioning.ts';
import { startTestServices } from '../../support/test-services.ts';
import { openOcci } from '../index.ts';
import {
  computeKind,
  gpuMixin,
  identifierOf,
  ipNetworkMixin,
  networkInterfaceKind,
  networkKind,
  providerMixin,
  snapshotKind,
  sshKeyMixin,
  storageKind,
  storageLinkKind,
  userDataMixin,
  type LinkRendering,
} from '../model/index.ts';

const suite = new AsyncDisposableStack();
const patient = { timeout: 20_000, interval: 50 };
const kindOf = {
  compute: identifierOf(computeKind),
  network: identifierOf(networkKind),
  storage: identifierOf(storageKind),
  storagelink: identifierOf(storageLinkKind),
  networkinterface: identifierOf(networkInterfaceKind),
};
const template = (of: string, term: string): string => `http://medusa.example/occi/${of}#cloud-${term}`;
const computeAction = (term: string): string =>
  `http://schemas.ogf.org/occi/infrastructure/compute/action#${term}`;
const provider = identifierOf(providerMixin);
const noArguments = new Map();

let engine: TestEngine;
let cloud: Cloud;
let edge: OcciEdge;
let nodes: NodeRegistry;
let made = 0;
const problems: unknown[] = [];

beforeAll(async () => {
  const database = suite.use(await startTestDatabase());
  const simulated = suite.use(await startSimulatedCloud(quickCloud));
  ({ cloud } = simulated);
  const url = await database.create('occi');
  engine = suite.use(await startTestEngine(url));
  const { services, agreements } = suite.use(startTestServices(engine, url));
  await addCloud(engine, simulated);
  const report = (error: unknown): void => void problems.push(error);
  const store = {
    load: async () => [],
    save: async () => undefined,
    heard: async () => undefined,
    lastHeard: async () => new Map(),
  };
  nodes = new NodeRegistry(store, { heartbeatMs: 1_000, now: () => new Date(), report });
  const sessions = { listFor: async () => [] } as unknown as Parameters<typeof openOcci>[0]['sessions'];
  edge = suite.use(
    await startOcciEdge({
      open: (root) =>
        openOcci({
          ...{ root, nodes, sessions, report, now: Date.now, provisioning: engine.provisioning },
          ...{ store: createOcciStore(engine.db), services, agreements, manifests: [] },
          serviceRecords: async () => [],
          ...{ guests: guestsOf(engine), senders: async () => [] },
          newId: () => `own-${(made += 1)}`,
        }),
      roles: () => ['admin'],
    }),
  );
});
afterAll(async () => {
  expect(problems).toEqual([]);
  await suite.disposeAsync();
});

const inEvery = ['text/plain', 'text/occi', 'application/occi+json', 'application/json'] as const;

describe.each(inEvery)('machines, volumes and networks of a real engine, in %s', (type) => {
  let client: OcciClient;
  const prefix = inEvery.indexOf(type);
  const name = (text: string): string => `${text}-${prefix}`;
  const attributes = async (path: string): Promise<Record<string, unknown>> =>
    Object.fromEntries((await client.get(path)).payload().entities[0]?.attributes ?? []);
  const until = async (path: string, attribute: string, value: string): Promise<void> =>
    vi.waitFor(async () => expect(await attributes(path)).toMatchObject({ [attribute]: value }), patient);
  const put = async (path: string, part: Part) => client.entity('PUT', path, part);
  const link = (kind: string, target: string): LinkRendering => ({
    ...{ kind, target, rel: null, self: null, mixins: [], attributes: noArguments },
  });

  beforeEach(() => {
    client = occiClient(edge.base, type);
  });

  it('images and sizes of providers are templates, and what does not work is not told', async () => {
    const categories = (await client.get('-/'))
      .payload()
      .categories.map(({ scheme, term }) => `${scheme}${term}`);

    expect(categories).toEqual(
      expect.arrayContaining([
        template('os_tpl', 'medusa'),
        template('resource_tpl', 'small'),
        computeAction('start'),
      ]),
    );
    expect(categories.filter((one) => /#save|#offline|#online|#backup|#resize|#up$|#down/.test(one))).toEqual(
      [],
    );
  });

  it('a machine is created from nothing but its kind, becomes active, is switched, and is gone', async () => {
    const created = await client.entity('POST', 'compute/', { kind: kindOf.compute });
    const location = created.header('location') ?? '';
    expect([created.status, location]).toEqual([201, `${edge.base}compute/own-${made}`]);
    await until(location, 'occi.compute.state', 'active');

    const { entities } = (await client.get(location)).payload();
    expect(entities[0]?.mixins).toEqual([
      provider,
      template('os_tpl', 'medusa'),
      template('resource_tpl', 'small'),
    ]);
    expect(await attributes(location)).toMatchObject({
      ...{ 'occi.compute.cores': 2, 'occi.compute.memory': 4, 'occi.compute.architecture': 'x64' },
      'medusa.provider.id': 'cloud',
    });
    for (const [term, state] of [
      ['stop', 'inactive'],
      ['start', 'active'],
      ['suspend', 'suspended'],
      ['start', 'active'],
    ] as const) {
      const answer = await client.call(location, { action: computeAction(term), attributes: noArguments });
      expect([term, answer.status]).toEqual([term, 200]);
      await until(location, 'occi.compute.state', state);
    }
    expect(
      (await client.call(location, { action: computeAction('restart'), attributes: noArguments })).status,
    ).toBe(200);
    expect(
      (await client.call(location, { action: computeAction('save'), attributes: noArguments })).status,
    ).toBe(405);
    expect((await client.delete(location)).status).toBe(200);
    expect((await client.get(location)).status).toBe(404);
  });

  it('PUT with the same id twice makes one machine, and what is settled does not change', async () => {
    const path = `compute/${name('same')}`;
    const part = { kind: kindOf.compute, mixins: [template('resource_tpl', 'large')] };

    expect((await put(path, part)).status).toBe(201);
    expect((await put(path, part)).status).toBe(200);
    expect((await put(path, { ...part, attributes: { 'occi.compute.cores': 4 } })).status).toBe(409);
    expect(
      (await put(path, { kind: kindOf.compute, mixins: [template('resource_tpl', 'small')] })).status,
    ).toBe(409);
    const machines = await engine.provisioning.resources({ kind: 'machine' });
    expect(machines.filter(({ id }) => id === name('same'))).toHaveLength(1);
    expect((await put(path, { ...part, attributes: { 'occi.core.title': 'A title' } })).status).toBe(200);
    expect(await attributes(path)).toMatchObject({ 'occi.core.title': 'A title', 'occi.compute.cores': 8 });
    await client.delete(path);
  });

  it('the smallest size that is large enough is taken, with a graphics processor only if one is asked for', async () => {
    await put(`compute/${name('big')}`, { kind: kindOf.compute, attributes: { 'occi.compute.cores': 4 } });
    await put(`compute/${name('gpu')}`, { kind: kindOf.compute, mixins: [identifierOf(gpuMixin)] });

    expect(await attributes(`compute/${name('big')}`)).toMatchObject({
      'occi.compute.cores': 8,
      'occi.compute.memory': 32,
    });
    expect(await attributes(`compute/${name('gpu')}`)).toMatchObject({
      'medusa.gpu.model': 'T4',
      'medusa.gpu.count': 1,
    });
    await client.delete(`compute/${name('big')}`);
    await client.delete(`compute/${name('gpu')}`);
  });

  it.each([
    ['more than there is', { kind: kindOf.compute, attributes: { 'occi.compute.cores': 1_000 } }],
    [
      'another architecture',
      { kind: kindOf.compute, attributes: { 'occi.compute.architecture': 'riscv64' } },
    ],
    ['a clock frequency', { kind: kindOf.compute, attributes: { 'occi.compute.speed': 2.4 } }],
    [
      'an unknown provider',
      { kind: kindOf.compute, mixins: [provider], attributes: { 'medusa.provider.id': 'moon' } },
    ],
    ['an id of other letters', { kind: kindOf.compute, attributes: { 'occi.compute.hostname': 'other' } }],
  ])('400 for %s', async (_what, part) => {
    const answer = await put(`compute/${name('no')}`, part);

    expect(answer.status).toBe(400);
    expect((await client.get(`compute/${name('no')}`)).status).toBe(404);
  });

  it('user data reaches the guest and is never told, an SSH key lets its owner in while the machine is there', async () => {
    const path = `compute/${name('told')}`;
    const script = `#!/bin/sh\necho ${prefix} Ä`;
    const key = `ssh-ed25519 ${Buffer.from(`key ${prefix}`).toString('base64')} ada@example`;
    const part = {
      kind: kindOf.compute,
      mixins: [identifierOf(userDataMixin), identifierOf(sshKeyMixin)],
      attributes: {
        'occi.compute.userdata': Buffer.from(script).toString('base64'),
        'occi.credentials.ssh.publickey': key,
      },
    };
    expect((await put(path, part)).status).toBe(201);
    await until(path, 'occi.compute.state', 'active');

    const { ref } = await engine.view(name('told'));
    const spec = cloud.machine(ref ?? '')?.spec;
    expect(spec).toMatchObject({ guest: { userData: script }, keyName: expect.any(String) as string });
    const { keyName } = spec as { keyName: string };
    expect(() => cloud.setKey(keyName, 'another')).toThrow('There is another key');
    const shown = (await client.get(path)).payload().entities[0];
    expect(shown?.mixins).toEqual(expect.arrayContaining(part.mixins));
    expect(shown?.attributes.get('occi.credentials.ssh.publickey')).toBe(key);
    expect(shown?.attributes.has('occi.compute.userdata')).toBe(false);
    const rows = await engine.db.selectFrom('guest_data').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(script).toString('base64').slice(0, 12));
    expect((await put(path, part)).status).toBe(200);
    const other = { ...part.attributes, 'occi.compute.userdata': Buffer.from('other').toString('base64') };
    expect((await put(path, { ...part, attributes: other })).status).toBe(409);
    expect((await client.delete(path)).status).toBe(200);
    expect(await engine.db.selectFrom('guest_data').select('id').execute()).toEqual([]);
    await vi.waitFor(() => expect(() => cloud.removeKey(keyName)).toThrow('There is no key'), patient);
  });

  it.each([
    ['user data that is no base64', userDataMixin, { 'occi.compute.userdata': '#!/bin/sh' }],
    ['user data that is no text', userDataMixin, { 'occi.compute.userdata': '/wD/' }],
    ['user data that is missing', userDataMixin, {}],
    ['what is no key', sshKeyMixin, { 'occi.credentials.ssh.publickey': 'secret' }],
  ])('400 for %s', async (_what, mixin, given) => {
    const part = { kind: kindOf.compute, mixins: [identifierOf(mixin)], attributes: given };

    expect((await put(`compute/${name('no')}`, part)).status).toBe(400);
    expect((await client.get(`compute/${name('no')}`)).status).toBe(404);
    expect(await engine.db.selectFrom('guest_data').select('id').execute()).toEqual([]);
  });

  it('a snapshot is made of a storage that is online, and goes before it', async () => {
    const path = `storage/${name('snap')}`;
    await put(path, { kind: kindOf.storage, attributes: { 'occi.storage.size': 1 } });
    await until(path, 'occi.storage.state', 'online');
    const action = 'http://schemas.ogf.org/occi/infrastructure/storage/action#snapshot';
    await vi.waitFor(
      async () => expect((await client.get(path)).payload().entities[0]?.actions).toEqual([action]),
      patient,
    );
    expect((await client.call(path, { action, attributes: noArguments })).status).toBe(200);

    const [location = ''] = (
      await client.filtered('snapshot/', { attributes: { 'medusa.snapshot.storage': name('snap') } })
    ).payload().locations;
    await until(location, 'medusa.snapshot.state', 'online');
    expect((await client.delete(path)).status).toBe(409);
    expect((await client.delete(location)).status).toBe(200);
    expect((await client.delete(path)).status).toBe(200);
    expect((await client.entity('POST', 'snapshot/', { kind: identifierOf(snapshotKind) })).status).toBe(405);
  });

  it('a volume is attached by a link, shown at the machine, and detached; a machine is born in a network', async () => {
    const [lan, disk, web] = [`network/${name('lan')}`, `storage/${name('disk')}`, `compute/${name('web')}`];
    const network = { 'occi.network.vlan': 100 + prefix, 'occi.network.address': `10.9.${prefix}.7/24` };
    await put(lan, { kind: kindOf.network, mixins: [identifierOf(ipNetworkMixin)], attributes: network });
    await put(disk, { kind: kindOf.storage, attributes: { 'occi.storage.size': 0.1 } });
    await until(lan, 'occi.network.state', 'active');
    await until(disk, 'occi.storage.state', 'online');
    expect(await attributes(lan)).toMatchObject({
      ...network,
      'occi.network.address': `10.9.${prefix}.0/24`,
    });
    expect(await attributes(disk)).toMatchObject({ 'occi.storage.size': 1 });

    const links = [
      link(kindOf.networkinterface, `/occi/${lan}`),
      link(kindOf.storagelink, `${edge.base}${disk}`),
    ];
    expect((await put(web, { kind: kindOf.compute, links })).status).toBe(201);
    await until(web, 'occi.compute.state', 'active');
    const shown = (await client.get(web)).payload().entities[0];
    expect(shown?.links.map(({ kind, rel, target, self }) => [kind, rel, target, self])).toEqual([
      [
        kindOf.networkinterface,
        kindOf.network,
        `/occi/${lan}`,
        `/occi/networkinterface/${name('web')}.${name('lan')}`,
      ],
      [kindOf.storagelink, kindOf.storage, `/occi/${disk}`, `/occi/storagelink/${name('disk')}`],
    ]);
    expect(await attributes(`storagelink/${name('disk')}`)).toMatchObject({
      'occi.core.source': `/occi/${web}`,
      'occi.core.target': `/occi/${disk}`,
    });
    expect((await client.delete(`storagelink/${name('disk')}`)).status).toBe(200);
    expect((await engine.view(name('disk'))).spec).toMatchObject({ attachedTo: null });
    expect((await client.delete(`networkinterface/${name('web')}.${name('lan')}`)).status).toBe(405);
    const again = { 'occi.core.source': `/occi/${web}`, 'occi.core.target': `/occi/${disk}` };
    expect(
      (await client.entity('POST', 'storagelink/', { kind: kindOf.storagelink, attributes: again })).status,
    ).toBe(201);
    expect((await engine.view(name('disk'))).spec).toMatchObject({ attachedTo: name('web') });
    for (const path of [`storagelink/${name('disk')}`, web, disk])
      expect((await client.delete(path)).status).toBe(200);
  });
});

describe('what is refused by the engine', () => {
  it('a machine in a network that is not there is not created, nor is one whose volume is attached elsewhere', async () => {
    const client = occiClient(edge.base, 'application/json');
    const to = (kind: string, target: string): LinkRendering => ({
      ...{ kind, target, rel: null, self: null, mixins: [], attributes: noArguments },
    });
    const nowhere = await client.entity('PUT', 'compute/lost', {
      ...{ kind: kindOf.compute, links: [to(kindOf.networkinterface, '/occi/network/none')] },
    });
    expect([nowhere.status, (await client.get('compute/lost')).status]).toEqual([400, 404]);

    const disk = resourceIdSchema.parse('taken');
    await client.entity('PUT', 'compute/holder', { kind: kindOf.compute });
    await client.entity('PUT', 'storage/taken', {
      kind: kindOf.storage,
      attributes: { 'occi.storage.size': 1 },
    });
    await engine.provisioning.act(disk, { action: 'attach', machine: resourceIdSchema.parse('holder') }, by);
    const second = await client.entity('PUT', 'compute/second', {
      ...{ kind: kindOf.compute, links: [to(kindOf.storagelink, '/occi/storage/taken')] },
    });
    expect([second.status, (await client.get('compute/second')).status]).toEqual([409, 404]);
    expect((await engine.view('taken')).spec).toMatchObject({ attachedTo: 'holder' });
  });

  it('who deletes all machines deletes none of a pool', async () => {
    const client = occiClient(edge.base, 'text/plain');
    const pool = poolIdSchema.parse('render');
    const machine = machineOf({ role: 'render', slots: 1 });
    await engine.provisioning.putPool(
      pool,
      putPoolSchema.parse({ providers: [cloudId], machine, policy: { min: 1, max: 1 } }),
      by,
    );
    const nodes = async () => engine.provisioning.resources({ pool });
    await vi.waitFor(async () => expect(await nodes()).toHaveLength(1), patient);
    await client.entity('PUT', 'compute/single', { kind: kindOf.compute });

    expect((await client.get('compute/')).payload().locations).toContain(`${edge.base}compute/single`);
    expect((await client.delete('compute/')).status).toBe(200);
    expect((await client.get('compute/')).payload().locations).toEqual([]);
    expect((await nodes()).map(({ isWanted }) => isWanted)).toEqual([true]);
    expect((await client.delete('compute/render-1')).status).toBe(404);
    await engine.provisioning.removePool(pool, by);
  });

  it('a node whose machine is ours is drained and undrained, another one is not', async () => {
    const client = occiClient(edge.base, 'text/plain');
    const nodeAction = (term: string): string => `http://medusa.example/occi/broker/node/action#${term}`;
    const id = nodeIdSchema.parse('worker');
    const machine = {
      id: resourceIdSchema.parse('worker'),
      provider: cloudId,
      spec: machineOf({ role: 'render' }),
    };
    await engine.provisioning.create(machine, by);
    nodes.apply(id, 'register', 'Registered');
    nodes.apply(nodeIdSchema.parse('foreign'), 'register', 'Registered');
    const call = async (path: string, term: string) =>
      client.call(path, { action: nodeAction(term), attributes: noArguments });
    const phase = async (): Promise<string> => (await engine.view('worker')).phase;

    await vi.waitFor(async () => expect(await phase()).toBe('joining'), patient);
    await engine.nodeJoins('worker');
    await vi.waitFor(async () => expect(await phase()).toBe('ready'), patient);
    const drained = await call('rendernode/worker', 'drain');
    expect([drained.status, drained.payload().entities[0]?.actions]).toEqual([200, [nodeAction('drain')]]);
    await vi.waitFor(async () => expect(await phase()).toBe('draining'), patient);
    nodes.apply(id, 'drain', 'Asked to');
    expect((await call('rendernode/worker', 'undrain')).status).toBe(200);
    await vi.waitFor(async () => expect(await phase()).toBe('ready'), patient);
    expect((await call('rendernode/foreign', 'drain')).status).toBe(409);
  });

  it('providers that are switched off have nothing to offer', async () => {
    const client = occiClient(edge.base, 'text/plain');
    const { kind, title, settings } = (await engine.provisioning.providers())[0] ?? {};
    if (!kind || title === undefined || !settings) throw new Error('there is no provider');
    await engine.provisioning.putProvider(
      providerIdSchema.parse(cloudId),
      { kind, title, settings, isEnabled: false },
      by,
    );

    await vi.waitFor(
      async () =>
        expect((await client.get('-/')).text).not.toContain(template('os_tpl', 'medusa').split('#')[1]),
      patient,
    );
    expect((await client.entity('PUT', 'compute/off', { kind: kindOf.compute })).status).toBe(400);
  });
});
