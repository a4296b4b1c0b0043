import { poolIdSchema, resourceIdSchema, type PutPool } from '@medusa/protocol';
import { randomUUID } from 'node:crypto';
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
beforeEach(async () => {
  test = new AsyncDisposableStack();
  url = await database.create(`e${randomUUID().replaceAll('-', '')}`);
});
afterEach(async () => test.disposeAsync());

const id = (text: string) => resourceIdSchema.parse(text);
const poolId = poolIdSchema.parse('render');
const patient = { timeout: 20_000, interval: 50 };

async function cloudWith(settings: Parameters<typeof startSimulatedCloud>[0] = {}): Promise<SimulatedCloud> {
  return test.use(await startSimulatedCloud({ ...quickCloud, ...settings }));
}
async function engine(overrides: Parameters<typeof startTestEngine>[1] = {}): Promise<TestEngine> {
  return test.use(await startTestEngine(url, overrides));
}
async function engineWith(cloud: SimulatedCloud): Promise<TestEngine> {
  const made = await engine();
  await addCloud(made, cloud);
  return made;
}
const pool = (nodes: number, overrides: Partial<PutPool> = {}): PutPool => ({
  providers: [cloudId],
  machine: machineOf({ role: 'render', slots: 1 }),
  policy: fixedSize(nodes),
  maxUnhealthyPercent: 40,
  joinSeconds: 5,
  ...overrides,
});
const aliveMachines = (cloud: SimulatedCloud): number => cloud.cloud.truth().alive.machine;

describe('a machine', () => {
  it('comes up, and goes when it is not wanted any more', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);

    await made.provisioning.create({ id: id('m-one'), provider: cloudId, spec: machineOf() }, by);
    await expect.poll(async () => phaseOf(made, 'm-one'), patient).toBe('ready');
    expect(aliveMachines(cloud)).toBe(1);
    await made.provisioning.act(id('m-one'), { action: 'destroy' }, by);

    await expect.poll(async () => phaseOf(made, 'm-one'), patient).toBe('absent');
    expect(aliveMachines(cloud)).toBe(0);
  });

  it('that is gone at the provider is replaced by its next incarnation', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);
    await made.provisioning.create({ id: id('m-one'), provider: cloudId, spec: machineOf() }, by);
    await expect.poll(async () => phaseOf(made, 'm-one'), patient).toBe('ready');
    const { ref } = await made.view('m-one');

    cloud.cloud.breakMachine(ref ?? '', 'gone');

    await expect
      .poll(async () => made.view('m-one'), patient)
      .toMatchObject({ phase: 'ready', incarnation: 2 });
    expect((await made.view('m-one')).ref).not.toBe(ref);
    expect(aliveMachines(cloud)).toBe(1);
    expect(made.shown.some(({ lost }) => lost !== null)).toBe(true);
  });

  it.each(['errorAfter', 'breakAfter', 'breakBefore', 'errorBefore'] as const)(
    'whose create ends with %s is found out by looking, and never there twice',
    async (fault) => {
      const cloud = await cloudWith({ honoursTokens: false, faults: { invisibleMs: 300 } });
      const made = await engineWith(cloud);
      cloud.failNext('create', fault);

      await made.provisioning.create({ id: id('m-one'), provider: cloudId, spec: machineOf() }, by);

      await expect.poll(async () => phaseOf(made, 'm-one'), patient).toBe('ready');
      expect(cloud.cloud.truth().doubledResources).toEqual({});
      expect(aliveMachines(cloud)).toBe(1);
    },
  );

  it('goes on where an ended broker left it', async () => {
    const cloud = await cloudWith({ bootMs: { median: 800, p95: 900 } });
    const first = await startTestEngine(url);
    await addCloud(first, cloud);
    await first.provisioning.create({ id: id('m-one'), provider: cloudId, spec: machineOf() }, by);
    await expect.poll(() => aliveMachines(cloud), patient).toBe(1);
    await first[Symbol.asyncDispose]();

    const second = await engine();

    await expect.poll(async () => phaseOf(second, 'm-one'), patient).toBe('ready');
    expect(cloud.cloud.truth().created.machine).toBe(1);
  });

  it('of an unknown size is in error with the reason, until the wish changes', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);

    await made.provisioning.create(
      { id: id('m-one'), provider: cloudId, spec: machineOf({ size: 'giant' }) },
      by,
    );

    await expect.poll(async () => phaseOf(made, 'm-one'), patient).toBe('error');
    expect((await made.view('m-one')).reason).toMatch(/giant/);
    expect(aliveMachines(cloud)).toBe(0);
  });
});

describe('a pool', () => {
  it('has as many nodes as wanted, ready when they have joined', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);
    await made.provisioning.putPool(poolId, pool(2), by);
    await expect.poll(async () => phaseOf(made, 'render-2'), patient).toBe('joining');
    await made.nodeJoins('render-1');
    await made.nodeJoins('render-2');

    await expect.poll(async () => phaseOf(made, 'render-1'), patient).toBe('ready');
    await made.provisioning.putPool(poolId, pool(1), by);

    await expect.poll(() => aliveMachines(cloud), patient).toBe(1);
  });

  it('lets the sessions of a surplus node end first', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);
    await made.provisioning.putPool(poolId, pool(1), by);
    await expect.poll(async () => phaseOf(made, 'render-1'), patient).toBe('joining');
    await made.nodeJoins('render-1');
    await expect.poll(async () => phaseOf(made, 'render-1'), patient).toBe('ready');
    await made.setSessions('render-1', 1);

    await made.provisioning.putPool(poolId, pool(0), by);
    await expect.poll(async () => (await made.view('render-1')).reason, patient).toMatch(/1 session to end/);
    expect(aliveMachines(cloud)).toBe(1);
    await made.setSessions('render-1', 0);

    await expect.poll(() => aliveMachines(cloud), patient).toBe(0);
  });
});

describe('a sweep', () => {
  it('deletes what bears our tag and nobody wants', async () => {
    const cloud = await cloudWith();
    const made = await engineWith(cloud);
    const owner = await made.store.owner();

    expect(await strayMachine(cloud, { owner, resource: 'stray', incarnation: 1 })).toBe(1);

    await expect.poll(() => aliveMachines(cloud), patient).toBe(0);
    await expect
      .poll(async () => made.provisioning.log({ limit: 50 }), patient)
      .toContainEqual(expect.objectContaining({ kind: 'swept', outcome: 'ok' }));
  });
});

async function strayMachine(
  cloud: SimulatedCloud,
  tag: { owner: string; resource: string; incarnation: number },
): Promise<number> {
  const { definition } = await import('../drivers/simulated/index.ts');
  const { default: pino } = await import('pino');
  await using driver = await definition.open(
    { url: cloud.url, uniqueNames: false, idempotencyTokens: true, visibilityMs: 0, concurrency: 4 },
    {},
    { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nonexistent' },
  );
  await driver.machines.create(
    {
      ...{
        image: 'medusa',
        size: 'small',
        zone: null,
        networkRefs: [],
        securityGroupRefs: [],
        keyName: null,
      },
      guest: { environment: {}, userData: '' },
    },
    tag,
    'stray',
    { id: 'stray', signal: AbortSignal.timeout(5_000) },
  );
  return aliveMachines(cloud);
}
