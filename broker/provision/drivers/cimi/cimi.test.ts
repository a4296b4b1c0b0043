import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import { nameOf, type MachineRequest, type ProviderDriver } from '../../port/index.ts';
import { CimiStandIn } from './cimi.stand-in.ts';
import { definition } from './index.ts';

const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nowhere' };

function machineAt(origin: string): MachineRequest {
  return {
    image: `${origin}/cimi/machine_images/img1`,
    size: `${origin}/cimi/machine_configs/small`,
    ...{ zone: null, networkRefs: [], securityGroupRefs: [], keyName: null },
    guest: { environment: {}, userData: '#cloud-config\n' },
  };
}

async function open(origin: string): Promise<ProviderDriver> {
  const settings = definition.settingsSchema.parse({ endpoint: `${origin}/cimi/cloudEntryPoint` });
  return definition.open(settings, { username: 'user', password: 'secret' }, context);
}

describeProviderDriver('CIMI, by its documented answers,', async () => {
  const standIn = await CimiStandIn.start();
  return {
    open: async () => open(standIn.origin),
    machine: machineAt(standIn.origin),
    count: async (kind) => (kind === 'machine' ? standIn.machines.size : 0),
    async breakMachine(ref) {
      const machine = standIn.machines.get(ref.split('/').at(-1) ?? '');
      if (machine) machine.states = ['ERROR'];
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
});

describe('CIMI', () => {
  const { signal } = new AbortController();
  const tag = { owner: 'abcdefgh', resource: 'render-1', incarnation: 1 };
  const name = nameOf('machine', tag);

  it.each([
    { answersWithJobs: true, isTerse: false },
    { answersWithJobs: true, isTerse: true },
    { answersWithJobs: false, isTerse: true },
  ])('finds the machine it made at a server that %o', async (habits) => {
    await using standIn = await CimiStandIn.start();
    Object.assign(standIn, habits);
    await using driver = await open(standIn.origin);

    const made = await driver.machines.create(machineAt(standIn.origin), tag, name, { id: 'one', signal });

    expect(made).toMatchObject({ ref: `${standIn.origin}/cimi/machines/1`, name, tag });
    expect(await driver.machines.list(tag.owner, signal)).toHaveLength(1);
    expect(standIn.machines.get('1')?.userData).toBe('#cloud-config\n');
  });

  it('does not follow a machine to another server', async () => {
    await using standIn = await CimiStandIn.start();
    await using driver = await open(standIn.origin);

    await expect(driver.machines.get('http://127.0.0.1:1/cimi/machines/1', signal)).rejects.toMatchObject({
      fault: 'invalid',
    });
  });
});
