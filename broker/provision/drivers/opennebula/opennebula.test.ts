import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeProviderDriver } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type ProviderDriver } from '../../port/index.ts';
import { definition } from './index.ts';
import { OpenNebulaStandIn } from './opennebula.stand-in.ts';

const machine = {
  image: '4',
  size: 'small',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '#cloud-config\n' },
};
const context = { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: '/nowhere' };

async function open(url: string, password = 'secret'): Promise<ProviderDriver> {
  const settings = { endpoint: url, imageDatastore: 105, physicalDevice: 'eth0' };
  return definition.open(
    definition.settingsSchema.parse(settings),
    definition.credentialsSchema.parse({ username: 'medusa', password }),
    context,
  );
}

describeProviderDriver('OpenNebula, by its recorded answers,', async () => {
  const standIn = await OpenNebulaStandIn.start();
  const held = {
    machine: () => [...standIn.vms.values()].filter(({ states }) => states.at(-1)?.[0] !== 6).length,
    volume: () => [...standIn.images.values()].filter(({ name }) => name.includes('-vol-')).length,
    snapshot: () => [...standIn.images.values()].filter(({ name }) => name.includes('-sna-')).length,
    network: () => standIn.networks.size,
    'security-group': () => standIn.groups.size,
    address: () => 0,
    image: () => 0,
  };
  return {
    open: async () => open(standIn.url),
    machine,
    volume: { sizeGiB: 2, type: null, zone: null, source: { kind: 'blank' } },
    network: {
      ...({ kind: 'network', tenant: 'ward', type: 'vlan', segment: 34 } as const),
      ...{ cidrs: ['10.20.0.0/24'], dhcp: true, hasGateway: true },
    },
    rules: [
      { direction: 'in', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '192.0.2.0/24' },
      { direction: 'out', protocol: 'any', fromPort: null, toPort: null, remote: '0.0.0.0/0' },
    ],
    count: async (kind) => held[kind](),
    breakMachine: async (ref) => standIn.break(Number(ref)),
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
});

describe('OpenNebula', () => {
  let standIn: OpenNebulaStandIn;
  beforeEach(async () => {
    standIn = await OpenNebulaStandIn.start();
  });
  afterEach(async () => standIn[Symbol.asyncDispose]());
  const signal = AbortSignal.timeout(20_000);
  const tag = { owner: 'abcdefgh', resource: 'data', incarnation: 1 };

  it('says that the password is wrong, and does not say which', async () => {
    await using driver = await open(standIn.url, 'wrong-password');

    const failure: unknown = await driver.probe(signal).catch((error: unknown) => error);

    expect(isProviderFault(failure, 'auth')).toBe(true);
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-password');
  });

  it('tells version and what of the quota is used', async () => {
    await using driver = await open(standIn.url);

    expect(await driver.probe(signal)).toEqual({
      version: '6.10.0',
      quotas: [
        { name: 'machines', used: 1, limit: 20, unit: '' },
        { name: 'CPUs', used: 1, limit: 8, unit: '' },
        { name: 'memory', used: 512, limit: null, unit: 'MiB' },
      ],
    });
  });

  it('hands the user data to the guest, and nothing of it breaks out of its place', async () => {
    await using driver = await open(standIn.url);
    const guest = { environment: {}, userData: '#cloud-config\n"]]> <EVIL/> \\" ]' };

    const { ref } = await driver.machines.create({ ...machine, guest }, tag, nameOf('machine', tag), {
      id: 'one',
      signal,
    });

    const { CONTEXT: context, EVIL } = standIn.vms.get(Number(ref))?.template ?? {};
    expect(EVIL).toBeUndefined();
    expect(context).toMatchObject({
      USER_DATA: Buffer.from(guest.userData).toString('base64'),
      USERDATA_ENCODING: 'base64',
    });
  });

  it('takes a copy of a volume for the copy’s own, whatever its origin was marked with', async () => {
    await using driver = await open(standIn.url);
    const { volumes } = driver;
    if (!volumes) throw new Error('no volumes');
    const blank = { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } } as const;
    const origin = await volumes.create(blank, tag, nameOf('volume', tag), { id: 'a', signal });
    const other = { ...tag, resource: 'copy' };
    const source = { kind: 'volume', ref: origin.ref } as const;

    await volumes.create({ ...blank, source }, other, nameOf('volume', other), { id: 'b', signal });

    const listed = await volumes.list(tag.owner, signal);
    expect(listed.map(({ tag: { resource } }) => resource).sort()).toEqual(['copy', 'data']);
  });
});
