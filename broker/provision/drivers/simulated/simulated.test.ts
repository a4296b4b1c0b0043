import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { describeEngineOver } from '../../../support/engine-over.ts';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type MachineRequest, type ProviderDriver } from '../../port/index.ts';
import type { cloudSettingsSchema } from './cloud-settings.ts';
import { definition } from './index.ts';
import { startSimulatedCloud, type SimulatedCloud } from './simulated-cloud.ts';

type Wanted = z.input<typeof cloudSettingsSchema>;

const machine: MachineRequest = {
  image: 'medusa',
  size: 'small',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: { A: '1' }, userData: '#cloud-config\n' },
};
const quick: Wanted = {
  bootMs: { median: 20, p95: 40 },
  readyMs: 10,
  destroyMs: 20,
  callMs: 0,
  pageSize: 2,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-simulated-'));
  await writeFile(path.join(folder, 'image'), 'image');
});
afterAll(async () => rm(folder, { recursive: true }));

async function open(cloud: SimulatedCloud, token?: string): Promise<ProviderDriver> {
  const { settings } = cloud.cloud;
  return definition.open(
    {
      url: cloud.url,
      uniqueNames: settings.uniqueNames,
      idempotencyTokens: settings.honoursTokens,
      visibilityMs: settings.faults.invisibleMs,
      concurrency: 8,
    },
    token === undefined ? {} : { token },
    { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: folder },
  );
}

async function start(wanted: Wanted): Promise<DriverUnderTest> {
  const cloud = await startSimulatedCloud(wanted);
  return {
    open: async () => open(cloud),
    machine,
    volume: { sizeGiB: 3, type: 'ssd', zone: null, source: { kind: 'blank' } },
    network: {
      kind: 'network',
      tenant: 'radiology',
      type: 'vxlan',
      segment: 7_000,
      cidrs: ['10.77.0.0/24'],
      dhcp: true,
      hasGateway: true,
    },
    from: 'public',
    image: {
      kind: 'image',
      role: 'render',
      architecture: 'x64',
      format: 'qcow2',
      file: path.join(folder, 'image'),
      contentHash: 'c0ffee',
    },
    count: async (kind) => cloud.cloud.used(kind),
    breakMachine: async (ref) => cloud.cloud.breakMachine(ref, 'error'),
    [Symbol.asyncDispose]: async () => cloud[Symbol.asyncDispose](),
  };
}

describeProviderDriver('a simulated cloud that honours tokens', async () => start(quick));
describeProviderDriver('a simulated cloud with unique names', async () =>
  start({ ...quick, uniqueNames: true, honoursTokens: false }),
);
describeProviderDriver('a simulated cloud that tells late what is new', async () =>
  start({ ...quick, faults: { invisibleMs: 60, staleMs: 40, slowDestroyMs: 60, duplicatePages: 0.5 } }),
);

describeEngineOver('a simulated cloud that promises nothing', async () =>
  start({ ...quick, honoursTokens: false }),
);

describe('the simulated cloud', () => {
  const tag = { owner: 'abcd1234', resource: 'node-1', incarnation: 1 };
  const name = nameOf('machine', tag);
  const operation = (id = 'op'): { id: string; signal: AbortSignal } => ({
    id,
    signal: AbortSignal.timeout(10_000),
  });
  const faultOf = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: unknown) => (isProviderFault(error) ? error.fault : String(error)),
    );

  it('fails as it is told, before or after it has done what was asked', async () => {
    await using cloud = await startSimulatedCloud(quick);
    await using driver = await open(cloud);
    const create = async (id: string): Promise<string> =>
      faultOf(driver.machines.create(machine, tag, name, operation(id)));

    for (const fault of ['errorBefore', 'breakBefore', 'throttle'] as const) cloud.failNext('create', fault);
    expect([await create('1'), await create('2'), await create('3')]).toEqual([
      'unknown-outcome',
      'unknown-outcome',
      'rate-limited',
    ]);
    expect(cloud.cloud.truth().created.machine).toBe(0);
    for (const fault of ['errorAfter', 'breakAfter'] as const) cloud.failNext('create', fault);
    expect([await create('4'), await create('5')]).toEqual(['unknown-outcome', 'unknown-outcome']);
    expect(cloud.cloud.truth().created.machine).toBe(2);
    cloud.failNext('list', 'breakBefore');
    expect(await faultOf(driver.machines.list(tag.owner, AbortSignal.timeout(5_000)))).toBe('transient');
  });

  it('counts in truth what was doubled at any time, and what is left', async () => {
    await using cloud = await startSimulatedCloud({ ...quick, faults: { ignoreToken: 1 } });
    await using driver = await open(cloud);

    const one = await driver.machines.create(machine, tag, name, operation());
    const two = await driver.machines.create(machine, tag, name, operation());
    for (const { ref } of [one, two]) await driver.machines.destroy(ref, operation());

    expect(cloud.cloud.truth()).toMatchObject({
      created: { machine: 2, volume: 0 },
      alive: { machine: 0 },
      aliveByOwner: { abcd1234: { machine: 0 } },
      doubledResources: { 'abcd1234/machine/node-1': 2 },
      doubledIncarnations: { 'abcd1234/machine/node-1/1': 2 },
    });
  });

  it('has so many of a size in each zone, and so many of a kind for the account', async () => {
    await using cloud = await startSimulatedCloud({ ...quick, quotas: { machine: 9 } });
    await using driver = await open(cloud);
    const create = async (number: number, wanted: Partial<MachineRequest>): Promise<string> => {
      const one = { ...tag, resource: `node-${number}` };
      return faultOf(
        driver.machines.create(
          { ...machine, ...wanted },
          one,
          nameOf('machine', one),
          operation(`${number}`),
        ),
      );
    };

    const gpus = await Promise.all(
      [1, 2, 3, 4, 5].map(async (n) => create(n, { size: 'gpu', zone: 'zone-b' })),
    );
    expect(gpus.toSorted()).toEqual(['capacity', 'none', 'none', 'none', 'none']);
    const rest = await Promise.all([6, 7, 8, 9, 10, 11].map(async (n) => create(n, { size: 'gpu' })));
    expect(rest.filter((fault) => fault === 'none')).toHaveLength(4);
    expect([await create(12, {}), await create(13, {})]).toEqual(['none', 'quota']);
    expect(await create(14, { zone: 'nowhere' })).toBe('quota');
  });

  it('refuses who does not show its token', async () => {
    await using cloud = await startSimulatedCloud({ ...quick, token: 'let-me-in' });
    await using stranger = await open(cloud, 'guess');
    await using driver = await open(cloud, 'let-me-in');

    expect(await faultOf(stranger.probe(AbortSignal.timeout(5_000)))).toBe('auth');
    expect((await driver.probe(AbortSignal.timeout(5_000))).quotas).toContainEqual({
      name: 'machines',
      unit: '',
      used: 0,
      limit: null,
    });
  });
});
