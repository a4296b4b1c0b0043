import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type MachineRequest, type ProviderDriver } from '../../port/index.ts';
import { ownImage } from './ec2-compute.stand-in.ts';
import { vpcId } from './ec2-network.stand-in.ts';
import type { Kind } from './ec2-world.stand-in.ts';
import { accessKeyId, startEc2, type Ec2StandIn } from './ec2.stand-in.ts';
import { definition } from './index.ts';

const machine: MachineRequest = {
  image: ownImage,
  size: 'g4dn.xlarge',
  zone: 'us-east-1b',
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: {}, userData: '#cloud-config\nruncmd: [true]\n' },
};

const kinds = {
  machine: 'instance',
  volume: 'volume',
  snapshot: 'snapshot',
  network: 'subnet',
  address: 'elastic-ip',
  'security-group': 'security-group',
  image: undefined,
} as const satisfies Record<string, Kind | undefined>;

async function openDriver(
  { url }: Ec2StandIn,
  changed: { settings?: object; credentials?: object } = {},
): Promise<ProviderDriver> {
  const settings = {
    region: 'us-east-1',
    endpoint: url,
    vpc: vpcId,
    zone: 'us-east-1b',
    types: ['g4dn.*', 'm7g.*'],
    hibernation: true,
    ...changed.settings,
  };
  const credentials = { accessKeyId, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', ...changed.credentials };
  return definition.open(settings, credentials, {
    log: pino({ enabled: false }),
    now: () => new Date(),
    dataDir: '/nonexistent',
  });
}

async function underTest(): Promise<DriverUnderTest> {
  const standIn = await startEc2();
  return {
    timeoutMs: 10_000,
    machine,
    volume: { sizeGiB: 80, type: 'gp3', zone: null, source: { kind: 'blank' } },
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
    async count(kind) {
      const named = kinds[kind];
      if (named === undefined) return Promise.resolve(0);
      const things = standIn.world.all(named).filter(({ state }) => state !== 'terminated');
      return Promise.resolve(things.length);
    },
    async breakMachine(ref) {
      const thing = standIn.world.get(ref);
      thing.state = 'terminated';
      thing.next = null;
      thing.values['StateReason'] = {
        Code: 'Server.InternalError',
        Message: 'Server.InternalError: Internal error on launch',
      };
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
}

describeProviderDriver('ec2', underTest);

const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const operation = (id: string): { id: string; signal: AbortSignal } => ({ id, signal: signal() });
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

describe('what EC2 says', () => {
  it.each([
    ['InsufficientInstanceCapacity', 500, 'capacity'],
    ['InstanceLimitExceeded', 400, 'quota'],
    ['VcpuLimitExceeded', 400, 'quota'],
    ['IdempotentParameterMismatch', 400, 'conflict'],
    ['UnauthorizedOperation', 403, 'auth'],
    ['AuthFailure', 401, 'auth'],
    ['InvalidSubnetID.NotFound', 400, 'not-found'],
    ['InvalidParameterValue', 400, 'invalid'],
    ['InternalError', 500, 'unknown-outcome'],
    ['Unavailable', 503, 'unknown-outcome'],
  ])('%s with %i means %s', async (code, status, fault) => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);
    standIn.failNext('RunInstances', { kind: 'error', code, status });

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation('one')));

    expect(failure).toMatchObject({ fault, message: `${code}: As the test asked for.` });
    expect(standIn.world.all('instance')).toEqual([]);
    expect(standIn.calls.filter(({ action }) => action === 'RunInstances')).toHaveLength(1);
  });

  it('that it is asked too often is told with a time to wait', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);
    standIn.failNext('DescribeInstances', { kind: 'error', code: 'RequestLimitExceeded', status: 503 });

    expect(await failureOf(driver.machines.list('own', signal()))).toMatchObject({
      fault: 'rate-limited',
      retryAfterMs: 2_000,
    });
  });

  it('is not heard: a broken call is of unknown outcome, and the same operation finds what it made', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);
    standIn.failNext('RunInstances', { kind: 'break' });

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation('broken')));
    const again = await driver.machines.create(machine, tag, name, operation('broken'));

    expect(failure).toMatchObject({ fault: 'unknown-outcome' });
    expect(standIn.world.all('instance').map(({ id }) => id)).toEqual([again.ref]);
  });

  it('is not reached: nothing was changed', async () => {
    const standIn = await startEc2();
    await using driver = await openDriver(standIn);
    await standIn[Symbol.asyncDispose]();

    expect(await failureOf(driver.machines.destroy('i-0000000000000000a', operation('x')))).toMatchObject({
      fault: 'transient',
    });
  });

  it('that a key is wrong tells no secret', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn, { credentials: { accessKeyId: 'AKIDOTHER' } });

    const failure = await failureOf(driver.probe(signal()));

    expect(failure).toMatchObject({ fault: 'auth' });
    expect(JSON.stringify(failure)).not.toContain('wJalrXUtnFEMI');
  });
});

describe('a machine at EC2', () => {
  it('that is not to be seen yet is not taken for gone', async () => {
    await using standIn = await startEc2({ stepMs: 10, hiddenMs: 60_000 });
    await using driver = await openDriver(standIn);
    const { ref } = await driver.machines.create(machine, tag, name, operation('one'));

    expect(await driver.machines.get(ref, signal())).toBeUndefined();
    expect(await failureOf(driver.machines.destroy(ref, operation('two')))).toMatchObject({
      fault: 'transient',
    });
    expect(standIn.world.all('instance')).toHaveLength(1);
  });

  it('is marked in the call that makes it, once, and leaves no disk behind', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);

    await driver.machines.create(
      machine,
      tag,
      name,
      operation('an operation whose id is longer than what EC2 takes: '.repeat(4)),
    );

    const { parameters } = standIn.calls.find(({ action }) => action === 'RunInstances') ?? {
      parameters: {},
    };
    expect(parameters).toMatchObject({
      ClientToken: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      MinCount: '1',
      MaxCount: '1',
      'TagSpecification.1.ResourceType': 'instance',
      'TagSpecification.1.Tag.1.Value': name,
      'TagSpecification.1.Tag.2.Key': 'medusa-owner',
      'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
      'BlockDeviceMapping.1.Ebs.Encrypted': 'true',
      'MetadataOptions.HttpTokens': 'required',
      UserData: Buffer.from(machine.guest.userData).toString('base64'),
    });
  });

  it('is the same for the same operation, and not for another request under it', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);
    await driver.machines.create(machine, tag, name, operation('one'));

    const other = driver.machines.create({ ...machine, size: 'm7g.large' }, tag, name, operation('one'));

    expect(await failureOf(other)).toMatchObject({ fault: 'conflict' });
    expect(standIn.world.all('instance')).toHaveLength(1);
  });

  it('refuses user data that is too long before it asks', async () => {
    await using standIn = await startEc2();
    await using driver = await openDriver(standIn);
    const long = { ...machine, guest: { environment: {}, userData: 'x'.repeat(16_385) } };

    expect(await failureOf(driver.machines.create(long, tag, name, operation('one')))).toMatchObject({
      fault: 'invalid',
    });
    expect(standIn.calls.map(({ action }) => action)).not.toContain('RunInstances');
  });
});

describe('security groups of EC2', () => {
  it.each(['RevokeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress', 'CreateTags'])(
    'leave none behind when %s is refused',
    async (action) => {
      await using standIn = await startEc2();
      await using driver = await openDriver(standIn);
      standIn.failNext(action, { kind: 'error', code: 'RulesPerSecurityGroupLimitExceeded', status: 400 });
      const rules = [
        { direction: 'in', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '192.0.2.0/24' },
      ] as const;

      const failure = await failureOf(
        driver.securityGroups?.create({ rules }, tag, name, operation('one')) ?? Promise.resolve(),
      );

      expect(failure).toMatchObject({ fault: 'quota' });
      expect(standIn.world.all('security-group')).toEqual([]);
    },
  );

  it('that a crash left half made is told as failed', async () => {
    await using standIn = await startEc2({ stepMs: 10, hiddenMs: 0 });
    await using driver = await openDriver(standIn);
    const made = await driver.securityGroups?.create({ rules: [] }, tag, name, operation('one'));
    const thing = standIn.world.get(made?.ref ?? '');
    thing.tags = thing.tags.filter(({ Key }) => Key !== 'medusa-rules');

    expect(await driver.securityGroups?.get(thing.id, signal())).toMatchObject({ state: 'error' });
  });
});

it('offers what EC2 has, in the words of the port', async () => {
  await using standIn = await startEc2();
  await using driver = await openDriver(standIn);

  const { sizes, images, zones } = await driver.catalog(signal());

  expect(sizes).toEqual([
    {
      id: 'g4dn.xlarge',
      name: 'g4dn.xlarge',
      cpus: 4,
      memoryMiB: 16_384,
      diskGiB: 125,
      gpu: { model: 'NVIDIA T4', count: 1 },
      encoder: 'nvenc',
      architecture: 'x64',
    },
    {
      id: 'm7g.large',
      name: 'm7g.large',
      cpus: 2,
      memoryMiB: 8_192,
      diskGiB: null,
      gpu: null,
      encoder: null,
      architecture: 'arm64',
    },
  ]);
  expect(images).toEqual([{ id: ownImage, name: 'My server', architecture: 'x64' }]);
  expect(zones).toEqual(['us-east-1b', 'us-east-1c']);
  expect((await driver.probe(signal())).quotas).toEqual([{ name: 'addresses', used: 0, limit: 5, unit: '' }]);
});

it('looks for nothing in the environment', async () => {
  await using standIn = await startEc2();
  const elsewhere = {
    AWS_ACCESS_KEY_ID: 'AKIDOFTHEENVIRONMENT',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_PROFILE: 'of-somebody',
  };
  const before = { ...process.env };
  Object.assign(process.env, elsewhere);
  try {
    await using driver = await openDriver(standIn);

    expect(await driver.machines.list('own', signal())).toEqual([]);
  } finally {
    for (const key of Object.keys(elsewhere)) Reflect.deleteProperty(process.env, key);
    Object.assign(process.env, before);
  }
});

it('takes no endpoint at a metadata address or in the clear', () => {
  for (const endpoint of ['http://169.254.169.254', 'http://ec2.example.org', 'https://169.254.169.254/x'])
    expect(definition.settingsSchema.safeParse({ region: 'us-east-1', vpc: vpcId, endpoint }).success).toBe(
      false,
    );
});
