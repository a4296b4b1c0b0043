import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type MachineRequest, type ProviderDriver } from '../../port/index.ts';
import { givenSubnet, subscription } from './azure-world.stand-in.ts';
import { clientId, clientSecret, startAzure, type AzureStandIn } from './azure.stand-in.ts';
import { definition } from './index.ts';

const image = 'Canonical:ubuntu-24_04-lts:server:latest';
const machine: MachineRequest = {
  image,
  size: 'Standard_NV6ads_A10_v5',
  zone: '1',
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '#cloud-config\nruncmd: [true]\n' },
};

const types = {
  machine: 'Microsoft.Compute/virtualMachines',
  volume: 'Microsoft.Compute/disks',
  snapshot: 'Microsoft.Compute/snapshots',
  network: 'Microsoft.Network/virtualNetworks',
  address: 'Microsoft.Network/publicIPAddresses',
  'security-group': 'Microsoft.Network/networkSecurityGroups',
  image: 'Microsoft.Compute/images',
} as const;

async function openDriver(
  { url }: AzureStandIn,
  changed: { settings?: object; credentials?: object; now?: () => Date } = {},
): Promise<ProviderDriver> {
  const settings = {
    tenant: 'the-tenant',
    subscription,
    resourceGroup: 'medusa',
    location: 'westus',
    subnet: givenSubnet,
    authority: url,
    management: url,
    sshPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUuMPU2cQtrcHJ1d5gZ0h4ebrq2YjB0xGw2H1SdoDJg',
    images: [{ id: image, name: 'Ubuntu', architecture: 'x64' }],
    sizes: ['Standard_N*'],
    hibernation: true,
    ...changed.settings,
  };
  return definition.open(
    settings,
    { clientId, clientSecret, ...changed.credentials },
    { log: pino({ enabled: false }), now: changed.now ?? (() => new Date()), dataDir: '/nonexistent' },
  );
}

async function underTest(): Promise<DriverUnderTest> {
  const standIn = await startAzure();
  return {
    timeoutMs: 10_000,
    machine,
    volume: { sizeGiB: 64, type: 'Premium_LRS', zone: null, source: { kind: 'blank' } },
    network: {
      kind: 'network',
      tenant: 'a',
      type: 'flat',
      segment: null,
      cidrs: null,
      dhcp: true,
      hasGateway: true,
    },
    from: null,
    open: async () => openDriver(standIn),
    // Disks of machines are theirs, not volumes of ours.
    count: async (kind) =>
      Promise.resolve(standIn.world.all(types[kind]).filter(({ name }) => !name.endsWith('-os')).length),
    async breakMachine(ref) {
      const [thing] = standIn.world.all(types.machine).filter(({ name }) => name === ref);
      if (!thing) throw new Error(`No ${ref}`);
      thing.body.properties['provisioningState'] = 'Failed';
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
}

describeProviderDriver('azure', underTest);

const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const operation = (id = 'one'): { id: string; signal: AbortSignal } => ({ id, signal: signal() });
const tag = { owner: 'own', resource: 'node-1', incarnation: 1 };
const name = nameOf('machine', tag);

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'none',
    (error: unknown) =>
      isProviderFault(error)
        ? { fault: error.fault, message: error.message, retryAfterMs: error.retryAfterMs }
        : error,
  );
}

const left = ({ world }: AzureStandIn): string[] => {
  world.settle();
  return [...world.resources.values()].map((one) => one.name);
};

describe('what Azure says', () => {
  it.each([
    [409, 'SkuNotAvailable', 'The requested size is not available.', 'capacity'],
    [409, 'AllocationFailed', 'We do not have sufficient capacity.', 'capacity'],
    [
      409,
      'OperationNotAllowed',
      'Operation could not be completed as it results in exceeding approved Total Regional Cores quota.',
      'quota',
    ],
    [409, 'OperationNotAllowed', 'The virtual machine is being deleted.', 'conflict'],
    [400, 'InvalidParameter', 'The value is not valid.', 'invalid'],
    [403, 'AuthorizationFailed', 'The client does not have authorization.', 'auth'],
    [404, 'ResourceGroupNotFound', 'Resource group could not be found.', 'not-found'],
    [500, 'InternalServerError', 'Try later.', 'unknown-outcome'],
  ])('%i %s: %s', async (status, code, message, fault) => {
    await using standIn = await startAzure();
    await using driver = await openDriver(standIn);
    standIn.failNext('PUT', '/virtualMachines/', { status, code, message });

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation()));

    expect(failure).toMatchObject({ fault, message: `${code}: ${message}` });
    expect(left(standIn)).toEqual([]);
  });

  it('that it is asked too often is told with the time to wait', async () => {
    await using standIn = await startAzure();
    await using driver = await openDriver(standIn);
    standIn.failNext('GET', '/disks', {
      status: 429,
      code: 'TooManyRequests',
      message: 'x',
      headers: { 'retry-after': '17' },
    });

    expect(await failureOf(driver.volumes?.list('own', signal()) ?? Promise.resolve())).toMatchObject({
      fault: 'rate-limited',
      retryAfterMs: 17_000,
    });
  });

  it('is not heard: what was made is found again under its name', async () => {
    await using standIn = await startAzure(10);
    await using driver = await openDriver(standIn);
    standIn.failNext('PUT', '/virtualMachines/', 'break');

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation()));
    const again = await driver.machines.create(machine, tag, name, operation('two'));

    expect(failure).toMatchObject({ fault: 'unknown-outcome' });
    expect(again.ref).toBe(name);
    expect(left(standIn).sort()).toEqual([name, `${name}-nic0`, `${name}-os`]);
  });

  it('that the secret is wrong does not tell it', async () => {
    await using standIn = await startAzure();
    await using driver = await openDriver(standIn, { credentials: { clientSecret: 'another-secret' } });

    const failure = await failureOf(driver.probe(signal()));

    expect(failure).toMatchObject({ fault: 'auth' });
    expect(JSON.stringify(failure)).not.toContain('another-secret');
  });

  it('that its token is no longer good is healed with another', async () => {
    await using standIn = await startAzure();
    await using driver = await openDriver(standIn);
    await driver.probe(signal());
    standIn.withdrawTokens();

    expect(await driver.volumes?.list('own', signal())).toEqual([]);
  });

  it('of a next page at another address is not followed', async () => {
    await using standIn = await startAzure(10);
    const elsewhere = standIn.url.replace('127.0.0.1', 'localhost');
    await using driver = await openDriver(standIn, {
      settings: { management: elsewhere, authority: elsewhere },
    });
    const volume = { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } } as const;
    for (const one of ['a', 'b', 'c'])
      await driver.volumes?.create(volume, { ...tag, resource: one }, one, operation());

    expect(await failureOf(driver.volumes?.list('own', signal()) ?? Promise.resolve())).toMatchObject({
      fault: 'invalid',
      message: `${standIn.url} is not a configured endpoint`,
    });
  });
});

describe('a machine at Azure', () => {
  it('that failed after it was accepted tells why, and is taken away whole', async () => {
    await using standIn = await startAzure(10);
    await using driver = await openDriver(standIn);
    standIn.world.failProvisioning = {
      code: 'AllocationFailed',
      message: 'We do not have sufficient capacity.',
    };
    const { ref } = await driver.machines.create(machine, tag, name, operation());

    await expect
      .poll(async () => driver.machines.get(ref, signal()))
      .toMatchObject({
        state: 'error',
        detail: 'ProvisioningState/failed/AllocationFailed: We do not have sufficient capacity.',
      });
    await driver.machines.destroy(ref, operation('two'));

    await expect.poll(() => left(standIn)).toEqual([]);
  });

  it('of which only the interface came is listed as broken, and is taken away', async () => {
    await using standIn = await startAzure(10);
    await using driver = await openDriver(standIn);
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    for (const thing of standIn.world.all(types.machine)) {
      standIn.world.remove(thing);
      const [nic] = standIn.world.all('Microsoft.Network/networkInterfaces');
      delete nic?.body.properties['virtualMachine'];
      const [disk] = standIn.world.all(types.volume);
      delete disk?.body['managedBy'];
    }

    expect(await driver.machines.list('own', signal())).toMatchObject([
      { ref, tag, state: 'error', detail: 'only its network interface is there' },
    ]);
    await driver.machines.destroy(ref, operation('two'));

    await expect.poll(() => left(standIn)).toEqual([]);
  });

  it('takes what it owns with it', async () => {
    await using standIn = await startAzure(10);
    await using driver = await openDriver(standIn);
    const address = await driver.addresses?.create(
      { from: null },
      { ...tag, resource: 'front' },
      'front',
      operation(),
    );
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    await driver.addresses?.assign(address?.ref ?? '', ref, operation('assign'));

    await driver.machines.destroy(ref, operation('two'));

    // A floating address is nobody's: it stays, and is free.
    await expect.poll(() => left(standIn)).toEqual(['front']);
    expect(await driver.addresses?.get('front', signal())).toMatchObject({ assignedTo: null });
  });

  it('is asked for with its tags, its key and its start, in one call', async () => {
    await using standIn = await startAzure();
    await using driver = await openDriver(standIn);

    await driver.machines.create(machine, tag, name, operation());

    expect(
      standIn.calls.find(({ method, path }) => method === 'PUT' && path.includes('/virtualMachines/'))?.body,
    ).toMatchObject({
      location: 'westus',
      zones: ['1'],
      tags: { 'medusa-owner': 'own', 'medusa-resource': 'node-1', 'medusa-incarnation': '1' },
      properties: {
        osProfile: {
          customData: Buffer.from(machine.guest.userData).toString('base64'),
          linuxConfiguration: { disablePasswordAuthentication: true },
        },
        storageProfile: {
          imageReference: {
            publisher: 'Canonical',
            offer: 'ubuntu-24_04-lts',
            sku: 'server',
            version: 'latest',
          },
          osDisk: { deleteOption: 'Delete' },
        },
        networkProfile: { networkInterfaces: [{ properties: { deleteOption: 'Delete' } }] },
      },
    });
  });
});

it('lets in and out what a security group says, and nothing that Azure would let by itself', async () => {
  await using standIn = await startAzure(10);
  await using driver = await openDriver(standIn);
  const rules = [
    { direction: 'out', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '192.0.2.0/24' },
  ] as const;

  await driver.securityGroups?.create({ rules }, tag, 'web', operation());

  const [stored] = standIn.world.all(types['security-group']);
  const written = stored?.body.properties['securityRules'] as {
    properties: { access: string; direction: string; priority: number };
  }[];
  expect(
    written.map(({ properties: { access, direction, priority } }) => [access, direction, priority]),
  ).toEqual([
    ['Allow', 'Outbound', 100],
    ['Deny', 'Inbound', 4_096],
    ['Deny', 'Outbound', 4_096],
  ]);
});

it('leaves no half of a security group behind', async () => {
  await using standIn = await startAzure(10);
  await using driver = await openDriver(standIn);
  standIn.failNext('PUT', '/networkSecurityGroups/', {
    status: 400,
    code: 'SecurityRuleInvalid',
    message: 'x',
  });

  const failure = await failureOf(
    driver.securityGroups?.create({ rules: [] }, tag, 'web', operation()) ?? Promise.resolve(),
  );

  expect(failure).toMatchObject({ fault: 'invalid' });
  expect(left(standIn)).toEqual([]);
});

it('offers what the subscription may have, in the words of the port', async () => {
  await using standIn = await startAzure();
  await using driver = await openDriver(standIn);

  const { sizes, zones, images } = await driver.catalog(signal());

  // One of the N series is withheld from this subscription.
  expect(sizes).toEqual([
    {
      id: 'Standard_NV6ads_A10_v5',
      name: 'Standard_NV6ads_A10_v5',
      cpus: 6,
      memoryMiB: 56_320,
      diskGiB: 180,
      gpu: { model: 'StandardNVADSA10v5Family', count: 1 },
      encoder: 'nvenc',
      architecture: 'x64',
    },
  ]);
  expect(zones).toEqual(['1', '2']);
  expect(images).toEqual([{ id: image, name: 'Ubuntu', architecture: 'x64' }]);
  expect((await driver.probe(signal())).quotas).toEqual([
    { name: 'virtualMachines', used: 0, limit: 4, unit: '' },
    { name: 'cores', used: 6, limit: 100, unit: '' },
  ]);
});
