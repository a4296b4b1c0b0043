import type { Image, Instance, RunInstancesRequest } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import {
  ProviderError,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type Operation,
} from '../../port/index.ts';
import {
  allPages,
  clientToken,
  ownedBy,
  parsed,
  readTags,
  tagsOf,
  unlessNotFound,
  isGiven,
} from './client.ts';
import { destroyOnce, type Context } from './context.ts';

const instanceSchema = z.object({
  InstanceId: z.string(),
  ImageId: z.string().optional(),
  InstanceType: z.string().optional(),
  LaunchTime: z.date().optional(),
  State: z.object({ Name: z.string().default('unknown') }).default({ Name: 'unknown' }),
  StateReason: z
    .object({ Code: z.string().default(''), Message: z.string().optional() })
    .default({ Code: '' }),
  StateTransitionReason: z.string().optional(),
  Placement: z.object({ AvailabilityZone: z.string().optional() }).optional(),
  PublicIpAddress: z.string().optional(),
  PrivateIpAddress: z.string().optional(),
  NetworkInterfaces: z
    .array(
      z.object({
        PrivateIpAddress: z.string().optional(),
        Association: z.object({ PublicIp: z.string().optional() }).optional(),
        Ipv6Addresses: z.array(z.object({ Ipv6Address: z.string().optional() })).optional(),
      }),
    )
    .default([]),
  BlockDeviceMappings: z.array(z.object({ DeviceName: z.string().optional() })).default([]),
  Tags: z.array(z.object({ Key: z.string().optional(), Value: z.string().optional() })).default([]),
});
type Parsed = z.infer<typeof instanceSchema>;

/** How long `UserData` may be before base64 (EC2 User Guide, "Instance user data"). */
const maxUserDataBytes = 16_384;

/** A machine is an instance, made with `ClientToken`: the same operation never makes two. */
export function machinePort(context: Context): MachinePort {
  const { ec2, settings, recent } = context;
  const actions: MachineAction[] = ['start', 'stop', 'restart'];
  if (settings.hibernation) actions.push('suspend', 'resume');
  return {
    actions,
    async create(request, tag, name, operation) {
      const image = await imageOf(context, request.image, operation.signal);
      const wanted = runRequest(context, request, image);
      const { Instances } = await ec2.change(
        async (api, options) =>
          api.runInstances(
            {
              ...wanted,
              ClientToken: clientToken(operation.id),
              TagSpecifications: tagsOf('instance', tag, name),
            },
            options,
          ),
        operation.signal,
      );
      const machine = machineOf(parsed(instanceSchema, Instances?.[0]));
      if (!machine) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      recent.add(machine.ref);
      return machine;
    },
    async get(ref, signal) {
      const instance = await instanceWith(context, ref, signal);
      return instance && machineOf(instance);
    },
    async list(owner, signal) {
      const instances = await allPages(
        async (token) => {
          const answer = await ec2.read(
            async (api, options) =>
              api.describeInstances({ Filters: ownedBy(owner), MaxResults: 1_000, ...token }, options),
            signal,
          );
          return { things: instancesOf(answer.Reservations), NextToken: answer.NextToken };
        },
        ({ InstanceId }) => InstanceId,
      );
      return instances.flatMap((instance) => machineOf(instance) ?? []);
    },
    async destroy(ref, { signal }) {
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.terminateInstances({ InstanceIds: [ref] }, options), signal),
      );
    },
    async act(ref, action, operation) {
      if (!actions.includes(action)) throw new ProviderError('invalid', `Cannot ${action} here`);
      await act(context, { ref, action }, operation);
    },
    async console(ref, signal) {
      const { Output } = await ec2.read(
        async (api, options) => api.getConsoleOutput({ InstanceId: ref }, options),
        signal,
      );
      const bytes = Buffer.from(Output ?? '', 'base64');
      return { kind: 'text', text: bytes.subarray(-64 * 1_024).toString('utf8') };
    },
  };
}

export async function instanceWith(
  { ec2 }: Context,
  ref: string,
  signal: AbortSignal,
): Promise<Parsed | undefined> {
  const answer = await unlessNotFound(
    ec2.read(async (api, options) => api.describeInstances({ InstanceIds: [ref] }, options), signal),
  );
  return instancesOf(answer?.Reservations)[0];
}

function instancesOf(reservations: readonly { Instances?: Instance[] | undefined }[] | undefined): Parsed[] {
  return parsed(
    z.array(instanceSchema),
    (reservations ?? []).flatMap(({ Instances }) => Instances ?? []),
  );
}

async function imageOf({ ec2 }: Context, id: string, signal: AbortSignal): Promise<Image> {
  const { Images } = await ec2.read(
    async (api, options) => api.describeImages({ ImageIds: [id] }, options),
    signal,
  );
  if (!Images?.[0]) throw new ProviderError('not-found', `No image ${id}`);
  return Images[0];
}

function runRequest({ settings }: Context, request: MachineRequest, image: Image): RunInstancesRequest {
  const userData = Buffer.from(request.guest.userData, 'utf8');
  if (userData.length > maxUserDataBytes)
    throw new ProviderError('invalid', `User data is at most ${maxUserDataBytes} bytes here`);
  const zone = request.zone ?? settings.zone;
  return {
    ImageId: request.image,
    InstanceType: request.size as NonNullable<RunInstancesRequest['InstanceType']>,
    MinCount: 1,
    MaxCount: 1,
    UserData: userData.toString('base64'),
    ...(request.keyName === null ? {} : { KeyName: request.keyName }),
    ...(zone === undefined ? {} : { Placement: { AvailabilityZone: zone } }),
    ...(settings.hibernation && { HibernationOptions: { Configured: true } }),
    // Only with a session's token (IMDSv2), and not through a container's or a proxy's hop.
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, HttpEndpoint: 'enabled' },
    BlockDeviceMappings: rootDisk(settings.kmsKey, image),
    ...networkOf(settings, request),
  };
}

/** Goes with its machine whatever the image says, and is encrypted. */
function rootDisk(
  kmsKey: string | undefined,
  { RootDeviceName, RootDeviceType }: Image,
): NonNullable<RunInstancesRequest['BlockDeviceMappings']> {
  if (RootDeviceType !== 'ebs' || RootDeviceName === undefined) return [];
  const encryption = kmsKey === undefined ? {} : { KmsKeyId: kmsKey };
  return [{ DeviceName: RootDeviceName, Ebs: { DeleteOnTermination: true, Encrypted: true, ...encryption } }];
}

function networkOf(
  { subnet, publicAddress }: Context['settings'],
  { networkRefs, securityGroupRefs }: MachineRequest,
): Pick<RunInstancesRequest, 'NetworkInterfaces' | 'SecurityGroupIds'> {
  const subnets = networkRefs.length > 0 ? networkRefs : subnet === undefined ? [] : [subnet];
  const groups = securityGroupRefs.length > 0 ? [...securityGroupRefs] : undefined;
  if (subnets.length === 0) return groups ? { SecurityGroupIds: groups } : {};
  return {
    NetworkInterfaces: subnets.map((SubnetId, DeviceIndex) => ({
      SubnetId,
      DeviceIndex,
      DeleteOnTermination: true,
      ...(groups && { Groups: groups }),
      // Refused by EC2 when there is more than one.
      ...(publicAddress !== undefined && subnets.length === 1 && { AssociatePublicIpAddress: publicAddress }),
    })),
  };
}

async function act(
  { ec2 }: Context,
  { ref, action }: { ref: string; action: MachineAction },
  { signal }: Operation,
): Promise<void> {
  const InstanceIds = [ref];
  await ec2.change<unknown>(async (api, options) => {
    switch (action) {
      case 'start':
      case 'resume':
        return api.startInstances({ InstanceIds }, options);
      case 'stop':
        return api.stopInstances({ InstanceIds }, options);
      case 'suspend':
        return api.stopInstances({ InstanceIds, Hibernate: true }, options);
      case 'restart':
        return api.rebootInstances({ InstanceIds }, options);
    }
  }, signal);
}

function machineOf(instance: Parsed): Machine | undefined {
  const ours = readTags(instance.Tags);
  const addresses = [
    instance.PublicIpAddress,
    instance.PrivateIpAddress,
    ...instance.NetworkInterfaces.flatMap(({ Association, PrivateIpAddress, Ipv6Addresses }) => [
      Association?.PublicIp,
      PrivateIpAddress,
      ...(Ipv6Addresses ?? []).map(({ Ipv6Address }) => Ipv6Address),
    ]),
  ];
  return (
    ours && {
      ref: instance.InstanceId,
      ...ours,
      ...lifeOf(instance),
      createdAt: instance.LaunchTime ?? null,
      addresses: [...new Set(addresses.filter(isGiven))],
      image: instance.ImageId ?? null,
      size: instance.InstanceType ?? null,
      zone: instance.Placement?.AvailabilityZone ?? null,
    }
  );
}

/** EC2 User Guide, "Instance lifecycle". */
const states: Readonly<Record<string, ItemState>> = {
  pending: 'starting',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'stopping',
  terminated: 'terminated',
};

function lifeOf({ State, StateReason, StateTransitionReason }: Parsed): Pick<Machine, 'state' | 'detail'> {
  const word = State.Name;
  const why = [StateReason.Message, StateTransitionReason].find(isGiven);
  const isHibernated = word === 'stopped' && StateReason.Code === 'Client.UserInitiatedHibernate';
  return {
    state: isHibernated ? 'suspended' : (states[word] ?? 'unknown'),
    detail: why === undefined ? word : `${word}: ${why}`,
  };
}

/** For the name of the next disk: those taken already. */
export const devicesOf = ({ BlockDeviceMappings }: Parsed): string[] =>
  BlockDeviceMappings.flatMap(({ DeviceName }) => DeviceName ?? []);
