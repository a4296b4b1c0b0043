import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type ProviderDriver } from '../../port/index.ts';
import { definition } from './index.ts';
import { repository, template, XenServerStandIn } from './xenserver.stand-in.ts';

const machine = {
  image: template,
  size: 'small',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '#cloud-config\n' },
};
const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nowhere' };

async function open(endpoint: string, password = 'secret'): Promise<ProviderDriver> {
  const settings = definition.settingsSchema.parse({
    endpoint,
    storageRepository: repository,
    device: 'eth0',
  });
  return definition.open(settings, { username: 'root', password }, context);
}

describeProviderDriver('XenServer, by the shapes of its API,', async () => {
  const standIn = await XenServerStandIn.start();
  const disks = (kind: string): number =>
    standIn
      .all('VDI')
      .filter(([, { name_label: name }]) => typeof name === 'string' && name.includes(`-${kind}-`)).length;
  const held = {
    // Template and control domain are not machines.
    machine: () => standIn.all('VM').length - 2,
    volume: () => disks('vol'),
    snapshot: () => disks('sna'),
    network: () => standIn.all('network').length,
    'security-group': () => 0,
    address: () => 0,
    image: () => 0,
  };
  return {
    open: async () => open(standIn.origin),
    machine,
    volume: { sizeGiB: 2, type: null, zone: null, source: { kind: 'blank' } },
    network: {
      ...({ kind: 'network', tenant: 'ward', type: 'vlan', segment: 34 } as const),
      ...{ cidrs: ['10.20.0.0/24'], dhcp: false, hasGateway: false },
    },
    count: async (kind) => held[kind](),
    async breakMachine(ref) {
      const vm = standIn.all('VM').find(([of]) => of === ref)?.[1];
      if (vm) vm['power_state'] = 'Halted';
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
});

describe('XenServer', () => {
  let standIn: XenServerStandIn;
  let driver: ProviderDriver;
  beforeEach(async () => {
    standIn = await XenServerStandIn.start();
    driver = await open(standIn.origin);
  });
  afterEach(async () => {
    await driver[Symbol.asyncDispose]();
    await standIn[Symbol.asyncDispose]();
  });
  const signal = new AbortController().signal;
  const tag = { owner: 'abcdefgh', resource: 'render-1', incarnation: 1 };
  const operation = { id: 'one', signal };

  it('logs in again when its session has ended', async () => {
    standIn.sessions.clear();

    expect(await driver.machines.list(tag.owner, signal)).toEqual([]);
    expect(standIn.calls.filter((call) => call === 'session.login_with_password')).toHaveLength(2);
  });

  it('says that the password is wrong without saying it', async () => {
    const failure: unknown = await open(standIn.origin, 'wrong-password').catch((error: unknown) => error);

    expect(isProviderFault(failure, 'auth')).toBe(true);
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-password');
  });

  it('takes the disks of a machine away with it, and leaves the volumes', async () => {
    const disksBefore = standIn.all('VDI').length;
    const { volumes, machines } = driver;
    const { ref } = await machines.create(machine, tag, nameOf('machine', tag), operation);
    const blank = { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } } as const;
    const volume = await volumes?.create(blank, tag, nameOf('volume', tag), operation);
    await volumes?.attach(volume?.ref ?? '', ref, operation);

    await machines.destroy(ref, operation);

    expect(standIn.all('VDI')).toHaveLength(disksBefore + 1);
    expect(await volumes?.get(volume?.ref ?? '', signal)).toMatchObject({ attachedTo: null });
  });

  it('leaves nothing of a machine whose network is not there', async () => {
    const before = [standIn.all('VM').length, standIn.all('VDI').length];
    const lost = { ...machine, networkRefs: ['OpaqueRef:gone'] };

    await expect(driver.machines.create(lost, tag, nameOf('machine', tag), operation)).rejects.toMatchObject({
      fault: 'not-found',
    });
    expect([standIn.all('VM').length, standIn.all('VDI').length]).toEqual(before);
  });

  it('tells of a machine whose creation was interrupted', async () => {
    const vm = standIn.all('VM').find(([ref]) => ref === template)?.[1];
    if (!vm) throw new Error('no template');
    standIn.objects.get('VM')?.set('OpaqueRef:half', { ...vm, name_label: nameOf('machine', tag) });

    expect(await driver.machines.list(tag.owner, signal)).toMatchObject([
      { ref: 'OpaqueRef:half', state: 'error', detail: 'Its creation was interrupted' },
    ]);
  });
});
