import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import { nameOf, type ProviderDriver } from '../../port/index.ts';
import { definition } from './index.ts';
import { RedfishStandIn } from './redfish.stand-in.ts';

const machine = {
  image: 'render',
  size: '3500-16-cpus-96-gib',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '' },
};
const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nowhere' };

async function open(endpoint: string): Promise<ProviderDriver> {
  const images = [{ id: 'render', url: 'https://images.example.org/{name}.iso' }];
  const settings = definition.settingsSchema.parse({ endpoint, images });
  return definition.open(settings, { username: 'admin', password: 'secret' }, context);
}

describeProviderDriver('Redfish, by the standard’s mock-up,', async () => {
  const standIn = await RedfishStandIn.start();
  return {
    open: async () => open(standIn.origin),
    machine,
    count: async (kind) =>
      kind === 'machine'
        ? [...standIn.systems.values()].filter(({ AssetTag: tag }) => tag !== '' && !tag.endsWith('/erasing'))
            .length
        : 0,
    async breakMachine(ref) {
      const system = standIn.systems.get(ref.slice(-1));
      if (system) Object.assign(system, { Status: { State: 'Enabled', Health: 'Critical' } });
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
});

describe('bare metal by Redfish', () => {
  let standIn: RedfishStandIn;
  let driver: ProviderDriver;
  beforeEach(async () => {
    standIn = await RedfishStandIn.start();
    driver = await open(standIn.origin);
  });
  afterEach(async () => {
    await driver[Symbol.asyncDispose]();
    await standIn[Symbol.asyncDispose]();
  });
  const { signal } = new AbortController();
  const tag = (resource: string): { owner: string; resource: string; incarnation: number } => ({
    ...{ owner: 'abcdefgh', resource, incarnation: 1 },
  });
  const create = async (resource: string): Promise<string> =>
    (
      await driver.machines.create(machine, tag(resource), nameOf('machine', tag(resource)), {
        id: resource,
        signal,
      })
    ).ref;

  it('boots the machine from its own image', async () => {
    const ref = await create('node-1');

    expect(standIn.media.get(ref.slice(-1))).toBe(
      'https://images.example.org/medusa-abcdefgh-mac-node-1-1.iso',
    );
    expect(standIn.systems.get(ref.slice(-1))).toMatchObject({
      PowerState: 'On',
      Boot: { BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: 'Cd' },
    });
  });

  it('wipes the drives before anybody else gets the machine', async () => {
    standIn.isSlowToErase = true;
    const ref = await create('node-1');

    await driver.machines.destroy(ref, { id: 'end', signal });

    expect(await driver.machines.get(ref, signal)).toMatchObject({
      state: 'stopping',
      detail: 'Its drives are wiped',
    });
    const others = [await create('node-2'), await create('node-3'), await create('node-4')];
    expect(others).not.toContain(ref);
    await expect(create('node-5')).rejects.toMatchObject({ fault: 'capacity' });

    for (const task of standIn.tasks) task.state = 'Completed';

    expect(await driver.machines.get(ref, signal)).toBeUndefined();
    expect(await create('node-5')).toBe(ref);
  });

  it('gives no machine to two who ask at the same time', async () => {
    const refs = await Promise.all(['node-1', 'node-2', 'node-3', 'node-4'].map(create));

    expect(new Set(refs).size).toBe(4);
  });

  it('does not take a machine that somebody else has marked', async () => {
    for (const system of standIn.systems.values()) system.AssetTag = 'property of radiology';

    await expect(create('node-1')).rejects.toMatchObject({ fault: 'capacity' });
    await driver.machines.destroy('/redfish/v1/Systems/a', { id: 'x', signal });
    expect(standIn.systems.get('a')).toMatchObject({ AssetTag: 'property of radiology' });
  });
});
