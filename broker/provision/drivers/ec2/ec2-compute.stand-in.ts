import type { Ec2World, Thing } from './ec2-world.stand-in.ts';
import { QueryError, type Values } from './query-model.stand-in.ts';

export type Handler = (input: Values) => Values;

export const ownImage = 'ami-5731123e5731123e5';
const stateCodes: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** Instance types as DescribeInstanceTypes tells them (AWS CLI reference, `describe-instance-types`). */
const types = [
  {
    InstanceType: 'g4dn.xlarge',
    VCpuInfo: { DefaultVCpus: 4 },
    MemoryInfo: { SizeInMiB: 16_384 },
    InstanceStorageInfo: { TotalSizeInGB: 125 },
    ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
    GpuInfo: { Gpus: [{ Name: 'T4', Manufacturer: 'NVIDIA', Count: 1, MemoryInfo: { SizeInMiB: 16_384 } }] },
  },
  {
    InstanceType: 'm7g.large',
    VCpuInfo: { DefaultVCpus: 2 },
    MemoryInfo: { SizeInMiB: 8_192 },
    ProcessorInfo: { SupportedArchitectures: ['arm64'] },
  },
  {
    InstanceType: 'm7i.large',
    VCpuInfo: { DefaultVCpus: 2 },
    MemoryInfo: { SizeInMiB: 8_192 },
    ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
  },
];

const image = {
  Architecture: 'x86_64',
  BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { DeleteOnTermination: false, VolumeSize: 8 } }],
  Description: 'An AMI for my server',
  ImageId: ownImage,
  ImageType: 'machine',
  Name: 'My server',
  OwnerId: '123456789012',
  Public: false,
  RootDeviceName: '/dev/sda1',
  RootDeviceType: 'ebs',
  State: 'available',
  VirtualizationType: 'hvm',
};

export function computeHandlers(world: Ec2World): Record<string, Handler> {
  const change =
    (list: string, apply: (thing: Thing, input: Values) => void): Handler =>
    (input) => ({
      [list]: (input['InstanceIds'] as string[]).map((id) => {
        const thing = world.find('instance', id);
        const PreviousState = stateOf(thing);
        apply(thing, input);
        return { InstanceId: id, PreviousState, CurrentState: stateOf(thing) };
      }),
    });
  return {
    RunInstances(input) {
      const thing = world.makeOnce(input, () => run(world, input));
      return {
        ReservationId: world.newId('r'),
        OwnerId: '123456789012',
        Instances: [toInstance(world, thing)],
      };
    },
    DescribeInstances(input) {
      const { things, ...rest } = world.describe('instance', input, { ids: input['InstanceIds'] });
      const Reservations = things.map((thing) => ({
        ReservationId: `r-${thing.id.slice(2)}`,
        OwnerId: '123456789012',
        Instances: [toInstance(world, thing)],
      }));
      return { Reservations, ...rest };
    },
    StartInstances: change('StartingInstances', (thing) => {
      if (thing.state === 'running' || thing.state === 'pending') return;
      if (thing.state !== 'stopped') throw incorrectState(thing, 'started');
      world.step(thing, 'pending', 'running');
      delete thing.values['StateReason'];
    }),
    StopInstances: change('StoppingInstances', (thing, { Hibernate }) => {
      if (thing.state === 'stopped' || thing.state === 'stopping') return;
      if (thing.state !== 'running') throw incorrectState(thing, 'stopped');
      if (Hibernate === true && thing.values['HibernationOptions'] === undefined)
        throw new QueryError(
          'UnsupportedHibernationConfiguration',
          'The instance is not enabled for hibernation',
        );
      world.step(thing, 'stopping', 'stopped');
      const Code = Hibernate === true ? 'Client.UserInitiatedHibernate' : 'Client.UserInitiatedShutdown';
      thing.values['StateReason'] = { Code, Message: `${Code}: User initiated` };
    }),
    RebootInstances(input) {
      for (const id of input['InstanceIds'] as string[]) world.find('instance', id);
      return {};
    },
    TerminateInstances: change('TerminatingInstances', (thing) => {
      if (thing.state !== 'terminated') world.step(thing, 'shutting-down', 'terminated');
    }),
    GetConsoleOutput(input) {
      world.find('instance', input['InstanceId']);
      const Output = Buffer.from('[    0.000000] Linux version 6.1\n').toString('base64');
      return { InstanceId: input['InstanceId'], Output, Timestamp: new Date() };
    },
    DescribeImages({ ImageIds, Owners }) {
      if (Array.isArray(ImageIds) && !ImageIds.includes(ownImage))
        throw new QueryError(
          'InvalidAMIID.NotFound',
          `The image id '[${ImageIds.join(', ')}]' does not exist`,
        );
      if (!Array.isArray(ImageIds) && !(Owners as string[]).includes('self')) return { Images: [] };
      return { Images: [image] };
    },
    DescribeInstanceTypes({ Filters }) {
      const patterns = (Filters as { Values: string[] }[]).flatMap(({ Values: wanted }) => wanted);
      const matches = (type: string): boolean =>
        patterns.some((pattern) =>
          new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(type),
        );
      return { InstanceTypes: types.filter(({ InstanceType }) => matches(InstanceType)) };
    },
    DescribeAvailabilityZones: () => ({
      AvailabilityZones: ['b', 'c', 'd'].map((letter) => ({
        Messages: [],
        RegionName: 'us-east-1',
        State: letter === 'd' ? 'impaired' : 'available',
        ZoneName: `us-east-1${letter}`,
      })),
    }),
    DescribeAccountAttributes: () => ({
      AccountAttributes: [
        { AttributeName: 'vpc-max-elastic-ips', AttributeValues: [{ AttributeValue: '5' }] },
      ],
    }),
    ...keyHandlers(world),
  };
}

function run(world: Ec2World, input: Values): Thing {
  const { InstanceType, ImageId, KeyName } = input as {
    InstanceType: string;
    ImageId: string;
    KeyName?: string;
  };
  if (!types.some((type) => type.InstanceType === InstanceType))
    throw new QueryError('InvalidParameterValue', `Invalid value '${InstanceType}' for InstanceType.`);
  if (ImageId !== ownImage) throw new QueryError('InvalidAMIID.NotFound', 'The image id does not exist');
  if (KeyName !== undefined && !world.keys.has(KeyName))
    throw new QueryError('InvalidKeyPair.NotFound', `The key pair '${KeyName}' does not exist`);
  checkNetwork(world, input);
  const [root] = (input['BlockDeviceMappings'] ?? []) as { Ebs?: { DeleteOnTermination?: boolean } }[];
  if (root?.Ebs?.DeleteOnTermination !== true) throw new Error('A disk would be left behind');
  return world.make('instance', input, {
    state: 'pending',
    next: 'running',
    values: { ...input, PrivateIpAddress: `10.0.0.${10 + (world.number() % 200)}` },
  });
}

function checkNetwork(world: Ec2World, input: Values): void {
  const interfaces = (input['NetworkInterfaces'] ?? []) as { SubnetId: string; Groups?: string[] }[];
  const groups = [
    ...((input['SecurityGroupIds'] ?? []) as string[]),
    ...interfaces.flatMap(({ Groups = [] }) => Groups),
  ];
  for (const { SubnetId } of interfaces) world.find('subnet', SubnetId);
  for (const group of groups) world.find('security-group', group);
}

const stateOf = ({ state }: Thing): Values => ({ Code: stateCodes[state], Name: state });

const incorrectState = ({ id }: Thing, what: string): QueryError =>
  new QueryError(
    'IncorrectInstanceState',
    `The instance '${id}' is not in a state from which it can be ${what}.`,
  );

function toInstance(world: Ec2World, thing: Thing): Values {
  const { values } = thing;
  const address = world.all('elastic-ip').find((one) => one.values['InstanceId'] === thing.id);
  const volumes = world.all('volume').filter((one) => one.values['InstanceId'] === thing.id);
  const placement = values['Placement'] as { AvailabilityZone?: string } | undefined;
  return {
    AmiLaunchIndex: 0,
    ImageId: values['ImageId'],
    InstanceId: thing.id,
    InstanceType: values['InstanceType'],
    LaunchTime: new Date(thing.madeAt),
    Placement: { AvailabilityZone: placement?.AvailabilityZone ?? 'us-east-1b', Tenancy: 'default' },
    PrivateIpAddress: values['PrivateIpAddress'],
    ...(address && { PublicIpAddress: address.values['PublicIp'] }),
    State: stateOf(thing),
    StateTransitionReason: '',
    ...(values['StateReason'] !== undefined && { StateReason: values['StateReason'] }),
    BlockDeviceMappings: volumes.map((volume) => ({
      DeviceName: volume.values['Device'],
      Ebs: { VolumeId: volume.id, Status: 'attached' },
    })),
    ClientToken: values['ClientToken'],
    NetworkInterfaces: [{ PrivateIpAddress: values['PrivateIpAddress'], Ipv6Addresses: [] }],
    RootDeviceName: '/dev/sda1',
    Tags: thing.tags,
  };
}

function keyHandlers({ keys }: Ec2World): Record<string, Handler> {
  return {
    ImportKeyPair({ KeyName, PublicKeyMaterial }) {
      const name = String(KeyName);
      if (keys.has(name))
        throw new QueryError('InvalidKeyPair.Duplicate', `The keypair '${name}' already exists.`);
      const publicKey = Buffer.from(String(PublicKeyMaterial), 'base64').toString('utf8');
      if (!/^ssh-(ed25519|rsa) /.test(publicKey))
        throw new QueryError('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
      const id = `key-${name}`;
      keys.set(name, { id, publicKey });
      return {
        KeyName: name,
        KeyPairId: id,
        KeyFingerprint: '1f:51:ae:28:bf:89:e9:d8:1f:25:5d:37:2d:7d:b8:ca',
      };
    },
    DescribeKeyPairs({ KeyNames, IncludePublicKey }) {
      const name = String((KeyNames as string[])[0]);
      const key = keys.get(name);
      if (!key) throw new QueryError('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`);
      const [type = '', body = ''] = key.publicKey.split(' ');
      // EC2 puts the key's name where its comment was.
      const shown = IncludePublicKey === true ? { PublicKey: `${type} ${body} ${name}` } : {};
      return { KeyPairs: [{ KeyName: name, KeyPairId: key.id, ...shown }] };
    },
    DeleteKeyPair({ KeyName }) {
      keys.delete(String(KeyName));
      return {};
    },
  };
}
