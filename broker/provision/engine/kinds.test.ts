import { randomUUID } from 'node:crypto';
import { poolIdSchema, providerIdSchema, resourceIdSchema, resourceSpecSchema } from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import {
  addCloud,
  by,
  cloudId,
  machineOf,
  phaseOf,
  quickCloud,
  startTestEngine,
  type TestEngine,
} from '../../support/test-provisioning.ts';
import { startSimulatedCloud, type SimulatedCloud } from '../drivers/simulated/simulated-cloud.ts';
import { fixedSize } from './model.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

let test: AsyncDisposableStack;
let url: string;
let cloud: SimulatedCloud;
let engine: TestEngine;
beforeEach(async () => {
  test = new AsyncDisposableStack();
  url = await database.create(`k${randomUUID().replaceAll('-', '')}`);
  cloud = test.use(await startSimulatedCloud(quickCloud));
  engine = test.use(await startTestEngine(url));
  await addCloud(engine, cloud);
});
afterEach(async () => test.disposeAsync());

const patient = { timeout: 30_000, interval: 50 };
const id = (text: string) => resourceIdSchema.parse(text);
const create = async (name: string, spec: unknown): Promise<unknown> =>
  engine.provisioning.create({ id: id(name), provider: cloudId, spec: resourceSpecSchema.parse(spec) }, by);
const reaches = async (name: string, phase: string): Promise<void> =>
  expect.poll(async () => phaseOf(engine, name), patient).toBe(phase);
const alive = (): ReturnType<SimulatedCloud['cloud']['truth']>['alive'] => cloud.cloud.truth().alive;
const volume = { kind: 'volume', sizeGiB: 2 } as const;

describe('a machine on a network of its own', () => {
  it('has the provider’s image, also when a network of ours is called as it is', async () => {
    const { image } = machineOf();
    await create(image, { kind: 'network', tenant: 't', type: 'vxlan' });
    await reaches(image, 'ready');

    await create('m-one', machineOf());

    await reaches('m-one', 'ready');
  });

  it('waits for the network, and the network for the machine', async () => {
    cloud.cloud.settings.readyMs = 400;
    await create('net', { kind: 'network', tenant: 't', type: 'vxlan' });
    await create('m-one', machineOf({ networks: ['net'] }));
    await expect.poll(async () => (await engine.view('m-one')).reason, patient).toBe('Waits for network net');
    await reaches('m-one', 'ready');

    expect((await engine.view('net')).spec).toMatchObject({
      cidrs: ['10.112.0.0/24', expect.any(String) as string],
    });
    await expect(engine.provisioning.act(id('net'), { action: 'destroy' }, by)).rejects.toThrow(
      /m-one needs it/,
    );
    await engine.provisioning.act(id('m-one'), { action: 'destroy' }, by);
    await engine.provisioning.act(id('net'), { action: 'destroy' }, by);
    await reaches('net', 'absent');
    expect(alive()).toMatchObject({ machine: 0, network: 0 });
  });
});

describe('a volume', () => {
  it('is attached to its machine, and detached again', async () => {
    await create('m-one', machineOf());
    await create('vol', { ...volume, attachedTo: 'm-one' });
    await expect.poll(async () => (await engine.view('vol')).reason, patient).toBe('Attached to m-one');

    await engine.provisioning.act(id('vol'), { action: 'detach' }, by);

    await expect.poll(async () => (await engine.view('vol')).reason, patient).toBe('Detached');
  });

  it('with patient data is held until a person lets it go', async () => {
    await create('vol', volume);
    await reaches('vol', 'ready');
    await engine.provisioning.act(id('vol'), { action: 'destroy' }, by);
    await reaches('vol', 'held');
    expect(alive().volume).toBe(1);

    await engine.provisioning.act(id('vol'), { action: 'keep' }, by);
    await reaches('vol', 'ready');
    await engine.provisioning.act(id('vol'), { action: 'destroy' }, by);
    await reaches('vol', 'held');
    await engine.provisioning.act(id('vol'), { action: 'release' }, by);

    await reaches('vol', 'absent');
    expect(alive().volume).toBe(0);
  });

  it('is put back to its snapshot', async () => {
    await create('vol', volume);
    await reaches('vol', 'ready');
    await create('snap', { kind: 'snapshot', volume: 'vol' });
    await reaches('snap', 'ready');

    await engine.provisioning.act(id('vol'), { action: 'revert', snapshot: id('snap') }, by);

    await expect
      .poll(async () => engine.provisioning.log({ resource: id('vol'), limit: 50 }), patient)
      .toContainEqual(expect.objectContaining({ text: 'volume revert: accepted', outcome: 'ok' }));
    await reaches('vol', 'ready');
  });

  it('that nobody knows of is held, not deleted', async () => {
    await create('vol', volume);
    await reaches('vol', 'ready');
    await engine.db.deleteFrom('resource').where('id', '=', 'vol').execute();

    await expect
      .poll(async () => engine.provisioning.resources({ kind: 'volume' }), patient)
      .toMatchObject([{ phase: 'held', isWanted: false }]);
    expect(alive().volume).toBe(1);
    const [held] = await engine.provisioning.resources({ kind: 'volume' });
    await engine.provisioning.act(held?.id ?? id('none'), { action: 'release' }, by);
    await expect.poll(() => alive().volume, patient).toBe(0);
  });
});

describe('a floating address', () => {
  it('moves to the next machine when the one that has it is lost, and stays there', async () => {
    await create('m-one', machineOf());
    await create('m-two', machineOf());
    await create('addr', { kind: 'address', assignedTo: 'm-one', failover: ['m-two'] });
    await expect.poll(async () => (await engine.view('addr')).reason, patient).toBe('Assigned to m-one');
    await reaches('m-two', 'ready');

    // As with a real cloud, the replacement takes longer than the address to move.
    cloud.cloud.settings.bootMs = { median: 8_000, p95: 8_000 };
    cloud.cloud.breakMachine((await engine.view('m-one')).ref ?? '', 'gone');

    await expect.poll(async () => (await engine.view('addr')).reason, patient).toBe('Assigned to m-two');
    await expect
      .poll(async () => engine.view('m-one'), patient)
      .toMatchObject({ phase: 'ready', incarnation: 2 });
    expect((await engine.view('addr')).reason).toBe('Assigned to m-two');
    await engine.provisioning.act(id('addr'), { action: 'assign', machine: id('m-one') }, by);
    await expect.poll(async () => (await engine.view('addr')).reason, patient).toBe('Assigned to m-one');
  });
});

describe('a machine', () => {
  it('is switched off and on again', async () => {
    await create('m-one', machineOf());
    await reaches('m-one', 'ready');
    await expect
      .poll(async () => (await engine.provisioning.providers())[0]?.capabilities, patient)
      .toContain('machines.stop');
    await engine.provisioning.act(id('m-one'), { action: 'power', power: 'off' }, by);
    await expect.poll(async () => (await engine.view('m-one')).reason, patient).toBe('Switched off');

    await engine.provisioning.act(id('m-one'), { action: 'power', power: 'on' }, by);

    await expect
      .poll(async () => engine.view('m-one'), patient)
      .toMatchObject({ phase: 'ready', incarnation: 1 });
    await expect.poll(async () => (await engine.view('m-one')).reason, patient).not.toBe('Switched off');
  });

  it('is replaced when that is asked, one at a time', async () => {
    await create('m-one', machineOf());
    await reaches('m-one', 'ready');

    await engine.provisioning.act(id('m-one'), { action: 'replace' }, by);

    await expect
      .poll(async () => engine.view('m-one'), patient)
      .toMatchObject({ phase: 'ready', incarnation: 2 });
    expect(cloud.cloud.truth()).toMatchObject({ doubledResources: {}, alive: { machine: 1 } });
  });
});

describe('a pool', () => {
  const render = poolIdSchema.parse('render');
  const pool = (nodes: number, more: Partial<Parameters<TestEngine['provisioning']['putPool']>[1]> = {}) => ({
    ...{ providers: [cloudId], machine: machineOf(), policy: fixedSize(nodes) },
    ...{ maxUnhealthyPercent: 40, joinSeconds: 5 },
    ...more,
  });
  const machines = async () => engine.provisioning.resources({ kind: 'machine', pool: render });

  it('asks the next provider when one has no capacity', async () => {
    const small = test.use(await startSimulatedCloud({ ...quickCloud, quotas: { machine: 1 } }));
    const smallId = providerIdSchema.parse('small');
    await addCloud(engine, small, smallId);

    await engine.provisioning.putPool(render, pool(3, { providers: [smallId, cloudId] }), by);

    await expect
      .poll(
        async () => (await machines()).map(({ phase, provider }) => `${provider} ${phase}`).sort(),
        patient,
      )
      .toEqual(['cloud ready', 'cloud ready', 'small ready']);
    expect(small.cloud.truth().alive.machine).toBe(1);
    expect(alive().machine).toBe(2);
  });

  it('is renewed node by node, a new one ready before an old one goes', async () => {
    await engine.provisioning.putPool(render, pool(3), by);
    await expect
      .poll(async () => (await machines()).filter(({ phase }) => phase === 'ready').length, patient)
      .toBe(3);
    const fewest: number[] = [];
    using watch = engine.provisioning.events.on('changed', () => {
      machines()
        .then((all) => fewest.push(all.filter(({ phase }) => phase === 'ready').length))
        .catch(() => undefined);
    });
    await engine.provisioning.putPool(render, pool(3, { machine: machineOf({ revision: '2' }) }), by);

    await expect
      .poll(
        async () =>
          (await machines()).filter(
            ({ phase, spec }) => phase === 'ready' && spec.kind === 'machine' && spec.revision === '2',
          ).length,
        patient,
      )
      .toBe(3);
    await expect.poll(() => alive().machine, patient).toBe(3);
    expect(watch).toBeDefined();
    expect(Math.min(...fewest)).toBeGreaterThanOrEqual(3);
  });

  it('that is removed empties itself', async () => {
    await engine.provisioning.putPool(render, pool(2), by);
    await expect
      .poll(async () => (await machines()).filter(({ phase }) => phase === 'ready').length, patient)
      .toBe(2);

    await engine.provisioning.removePool(render, by);

    await expect.poll(() => alive().machine, patient).toBe(0);
    await expect.poll(async () => engine.store.pool(render), patient).toBeUndefined();
  });
});

describe('several brokers on one database', () => {
  it('make each machine once, whoever is cut off', async () => {
    const render = poolIdSchema.parse('render');
    const others = await Promise.all([startTestEngine(url), startTestEngine(url)]);
    for (const other of others) test.use(other);
    await engine.provisioning.putPool(
      render,
      {
        ...{ providers: [cloudId], machine: machineOf(), policy: fixedSize(12) },
        maxUnhealthyPercent: 40,
        joinSeconds: 5,
      },
      by,
    );
    await expect.poll(() => alive().machine, patient).toBeGreaterThan(3);
    await others[0][Symbol.asyncDispose]();

    await expect
      .poll(
        async () =>
          (await engine.provisioning.resources({ pool: render })).filter(({ phase }) => phase === 'ready')
            .length,
        patient,
      )
      .toBe(12);
    expect(cloud.cloud.truth()).toMatchObject({ doubledResources: {}, alive: { machine: 12 } });
  });
});
