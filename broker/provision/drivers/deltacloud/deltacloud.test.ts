import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import { nameOf, type ProviderDriver } from '../../port/index.ts';
import { DeltacloudStandIn } from './deltacloud.stand-in.ts';
import { definition } from './index.ts';

const machine = {
  image: 'emi-8dcb47bc',
  size: 'm1.small',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '#cloud-config\nhostname: "a&b"\n' },
};
const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nowhere' };

async function open(endpoint: string, password = 'secret'): Promise<ProviderDriver> {
  return definition.open(
    definition.settingsSchema.parse({ endpoint }),
    { username: 'key', password },
    context,
  );
}

describeProviderDriver('Deltacloud, by its recorded answers,', async () => {
  const standIn = await DeltacloudStandIn.start();
  return {
    open: async () => open(standIn.url),
    machine,
    count: async (kind) =>
      kind === 'machine'
        ? [...standIn.instances.values()].filter(({ states }) => states.at(-1) !== 'FINISH').length
        : 0,
    async breakMachine(ref) {
      const instance = standIn.instances.get(ref);
      if (instance) instance.states = ['ERROR'];
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
});

describe('Deltacloud', () => {
  const { signal } = new AbortController();
  const tag = { owner: 'abcdefgh', resource: 'render-1', incarnation: 1 };
  const name = nameOf('machine', tag);

  it('hands over the user data as it is', async () => {
    await using standIn = await DeltacloudStandIn.start();
    await using driver = await open(standIn.url);

    const { ref } = await driver.machines.create(machine, tag, name, { id: 'one', signal });

    expect(standIn.instances.get(ref)?.userData).toBe(machine.guest.userData);
  });

  it('leaves nothing at a cloud that does not keep names', async () => {
    await using standIn = await DeltacloudStandIn.start();
    standIn.ignoresNames = true;
    await using driver = await open(standIn.url);

    await expect(driver.machines.create(machine, tag, name, { id: 'one', signal })).rejects.toMatchObject({
      fault: 'invalid',
    });
    expect([...standIn.instances.values()].map(({ states }) => states.at(-1))).toEqual(['FINISH']);
  });

  it('tells a refused login as such', async () => {
    await using standIn = await DeltacloudStandIn.start();
    await using driver = await open(standIn.url, 'other');

    await expect(driver.probe(signal)).rejects.toMatchObject({ fault: 'auth' });
  });
});
