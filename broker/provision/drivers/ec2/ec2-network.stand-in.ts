import { cidrsOverlap, isWithin } from '../../addresses/index.ts';
import type { Handler } from './ec2-compute.stand-in.ts';
import type { Ec2World, Thing } from './ec2-world.stand-in.ts';
import { QueryError, type Values } from './query-model.stand-in.ts';

export const vpcId = 'vpc-a01106c2a01106c2a';
const vpcCidr = '10.0.0.0/16';

type Permission = {
  IpProtocol: string;
  FromPort?: number;
  ToPort?: number;
  IpRanges?: { CidrIp: string }[];
  Ipv6Ranges?: { CidrIpv6: string }[];
  UserIdGroupPairs?: { GroupId: string }[];
};

export function networkHandlers(world: Ec2World): Record<string, Handler> {
  return {
    ...storageHandlers(world),
    ...addressHandlers(world),
    ...subnetHandlers(world),
    ...groupHandlers(world),
  };
}

function storageHandlers(world: Ec2World): Record<string, Handler> {
  const toVolume = (thing: Thing): Values => {
    const { InstanceId, Device, AttachmentState } = thing.values;
    const { detachesAt } = thing.values as { detachesAt?: number };
    if (detachesAt !== undefined && Date.now() >= detachesAt) {
      const { Size, AvailabilityZone, VolumeType, Encrypted } = thing.values;
      thing.values = { Size, AvailabilityZone, VolumeType, Encrypted };
      thing.state = 'available';
      return toVolume(thing);
    }
    return {
      VolumeId: thing.id,
      Size: thing.values['Size'],
      AvailabilityZone: thing.values['AvailabilityZone'],
      VolumeType: thing.values['VolumeType'],
      Encrypted: thing.values['Encrypted'],
      State: thing.state,
      CreateTime: new Date(thing.madeAt),
      Tags: thing.tags,
      ...(InstanceId !== undefined && {
        Attachments: [{ InstanceId, Device, State: AttachmentState, VolumeId: thing.id }],
      }),
    };
  };
  const toSnapshot = (thing: Thing): Values => ({
    SnapshotId: thing.id,
    VolumeId: thing.values['VolumeId'],
    VolumeSize: thing.values['VolumeSize'],
    State: thing.state,
    StartTime: new Date(thing.madeAt),
    OwnerId: '123456789012',
    Tags: thing.tags,
  });
  return {
    CreateVolume(input) {
      if (input['SnapshotId'] !== undefined) {
        const snapshot = world.find('snapshot', input['SnapshotId']);
        if (snapshot.state !== 'completed')
          throw new QueryError('IncorrectState', `Snapshot is in invalid state - ${snapshot.state}`);
      }
      const make = (): Thing =>
        world.make('volume', input, { state: 'creating', next: 'available', values: { ...input } });
      return toVolume(world.makeOnce(input, make));
    },
    DescribeVolumes(input) {
      const { things, ...rest } = world.describe('volume', input, { ids: input['VolumeIds'] });
      return { Volumes: things.map(toVolume), ...rest };
    },
    DeleteVolume(input) {
      const volume = world.find('volume', input['VolumeId']);
      if (toVolume(volume)['State'] === 'in-use')
        throw new QueryError('VolumeInUse', `Volume ${volume.id} is currently attached`);
      world.step(volume, 'deleting', 'gone');
      return {};
    },
    AttachVolume(input) {
      const volume = world.find('volume', input['VolumeId']);
      world.find('instance', input['InstanceId']);
      const { State } = toVolume(volume);
      if (State === 'in-use')
        throw new QueryError('VolumeInUse', `${volume.id} is already attached to an instance`);
      if (State !== 'available')
        throw new QueryError('IncorrectState', `Volume '${volume.id}' is not 'available'.`);
      const { InstanceId, Device } = input;
      Object.assign(volume.values, { InstanceId, Device, AttachmentState: 'attached' });
      volume.state = 'in-use';
      return { VolumeId: volume.id, InstanceId, Device, State: 'attaching', AttachTime: new Date() };
    },
    DetachVolume(input) {
      const volume = world.find('volume', input['VolumeId']);
      if (toVolume(volume)['State'] !== 'in-use')
        throw new QueryError('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`);
      Object.assign(volume.values, {
        AttachmentState: 'detaching',
        detachesAt: Date.now() + world.delays.stepMs,
      });
      return { VolumeId: volume.id, State: 'detaching' };
    },
    CreateSnapshot(input) {
      const volume = world.find('volume', input['VolumeId']);
      const values = { VolumeId: volume.id, VolumeSize: volume.values['Size'] };
      return toSnapshot(world.make('snapshot', input, { state: 'pending', next: 'completed', values }));
    },
    DescribeSnapshots(input) {
      const { things, ...rest } = world.describe('snapshot', input, { ids: input['SnapshotIds'] });
      return { Snapshots: things.map(toSnapshot), ...rest };
    },
    DeleteSnapshot(input) {
      world.find('snapshot', input['SnapshotId']).state = 'gone';
      return {};
    },
  };
}

function addressHandlers(world: Ec2World): Record<string, Handler> {
  const toAddress = ({ id, values, tags }: Thing): Values => ({
    AllocationId: id,
    PublicIp: values['PublicIp'],
    Domain: 'vpc',
    ...(values['InstanceId'] !== undefined && {
      InstanceId: values['InstanceId'],
      AssociationId: values['AssociationId'],
    }),
    Tags: tags,
  });
  return {
    AllocateAddress(input) {
      if (world.all('elastic-ip').length >= 5)
        throw new QueryError('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
      const PublicIp = `203.0.113.${world.number() % 256}`;
      const made = world.make('elastic-ip', input, { state: 'there', values: { PublicIp } });
      return { AllocationId: made.id, Domain: 'vpc', PublicIp };
    },
    DescribeAddresses(input) {
      const things = Array.isArray(input['AllocationIds'])
        ? input['AllocationIds'].map((id) => world.find('elastic-ip', id))
        : allOf(world, 'elastic-ip', input);
      return { Addresses: things.map(toAddress) };
    },
    AssociateAddress(input) {
      const address = world.find('elastic-ip', input['AllocationId']);
      const instance = world.find('instance', input['InstanceId']);
      if (address.values['InstanceId'] !== undefined && input['AllowReassociation'] !== true)
        throw new QueryError('Resource.AlreadyAssociated', `resource ${address.id} is already associated`);
      const AssociationId = world.newId('eipassoc');
      Object.assign(address.values, { InstanceId: instance.id, AssociationId });
      return { AssociationId };
    },
    DisassociateAddress(input) {
      const { AssociationId } = input;
      const address = world.all('elastic-ip').find(({ values }) => values['AssociationId'] === AssociationId);
      if (!address)
        throw new QueryError(
          'InvalidAssociationID.NotFound',
          `The association ID '${String(AssociationId)}' does not exist`,
        );
      delete address.values['InstanceId'];
      delete address.values['AssociationId'];
      return {};
    },
    ReleaseAddress(input) {
      const address = world.find('elastic-ip', input['AllocationId']);
      if (address.values['InstanceId'] !== undefined)
        throw new QueryError('InvalidIPAddress.InUse', `Address ${address.id} is in use.`);
      address.state = 'gone';
      return {};
    },
  };
}

function allOf(world: Ec2World, kind: 'elastic-ip', input: Values): Thing[] {
  const things: Thing[] = [];
  for (let NextToken: string | undefined = '0'; NextToken !== undefined;) {
    const page = world.describe(kind, { ...input, NextToken }, {});
    things.push(...page.things.filter((thing) => !things.includes(thing)));
    ({ NextToken } = page);
  }
  return things;
}

function subnetHandlers(world: Ec2World): Record<string, Handler> {
  const toSubnet = ({ id, state, values, tags }: Thing): Values => ({
    SubnetId: id,
    VpcId: vpcId,
    CidrBlock: values['CidrBlock'],
    AvailabilityZone: values['AvailabilityZone'] ?? 'us-east-1b',
    AvailableIpAddressCount: 251,
    MapPublicIpOnLaunch: false,
    State: state,
    Tags: tags,
  });
  return {
    DescribeVpcs({ VpcIds }) {
      if (!(VpcIds as string[]).includes(vpcId))
        throw new QueryError('InvalidVpcID.NotFound', `The vpc ID '${String(VpcIds)}' does not exist`);
      return { Vpcs: [{ VpcId: vpcId, CidrBlock: vpcCidr, State: 'available', IsDefault: false }] };
    },
    CreateSubnet(input) {
      const cidr = String(input['CidrBlock']);
      if (!isWithin(cidr, vpcCidr))
        throw new QueryError('InvalidSubnet.Range', `The CIDR '${cidr}' is invalid.`);
      if (world.all('subnet').some(({ values }) => cidrsOverlap(String(values['CidrBlock']), cidr)))
        throw new QueryError('InvalidSubnet.Conflict', `The CIDR '${cidr}' conflicts with another subnet`);
      return {
        Subnet: toSubnet(
          world.make('subnet', input, { state: 'pending', next: 'available', values: { ...input } }),
        ),
      };
    },
    DescribeSubnets(input) {
      const fields = { 'vpc-id': () => vpcId };
      const { things, ...rest } = world.describe('subnet', input, { ids: input['SubnetIds'], fields });
      return { Subnets: things.map(toSubnet), ...rest };
    },
    DeleteSubnet(input) {
      const subnet = world.find('subnet', input['SubnetId']);
      const isUsed = world.all('instance').some(({ state, values }) => {
        const interfaces = (values['NetworkInterfaces'] ?? []) as { SubnetId: string }[];
        return state !== 'terminated' && interfaces.some(({ SubnetId }) => SubnetId === subnet.id);
      });
      if (isUsed) throw new QueryError('DependencyViolation', `The subnet '${subnet.id}' has dependencies`);
      subnet.state = 'gone';
      return {};
    },
  };
}

function groupHandlers(world: Ec2World): Record<string, Handler> {
  const permissions = (thing: Thing, way: 'in' | 'out'): Permission[] => thing.values[way] as Permission[];
  const authorize =
    (way: 'in' | 'out'): Handler =>
    (input) => {
      const group = world.find('security-group', input['GroupId']);
      for (const wanted of input['IpPermissions'] as Permission[]) add(permissions(group, way), wanted);
      return { Return: true };
    };
  return {
    CreateSecurityGroup(input) {
      if (world.all('security-group').some(({ values }) => values['GroupName'] === input['GroupName']))
        throw new QueryError(
          'InvalidGroup.Duplicate',
          `The security group '${String(input['GroupName'])}' already exists`,
        );
      const out = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
      const made = world.make('security-group', input, { state: 'there', values: { ...input, in: [], out } });
      return { GroupId: made.id, Tags: made.tags };
    },
    DescribeSecurityGroups(input) {
      const { things, ...rest } = world.describe('security-group', input, { ids: input['GroupIds'] });
      const SecurityGroups = things.map((thing) => ({
        GroupId: thing.id,
        GroupName: thing.values['GroupName'],
        Description: thing.values['Description'],
        VpcId: vpcId,
        IpPermissions: permissions(thing, 'in'),
        IpPermissionsEgress: permissions(thing, 'out'),
        Tags: thing.tags,
      }));
      return { SecurityGroups, ...rest };
    },
    AuthorizeSecurityGroupIngress: authorize('in'),
    AuthorizeSecurityGroupEgress: authorize('out'),
    RevokeSecurityGroupEgress(input) {
      world.find('security-group', input['GroupId']).values['out'] = [];
      return { Return: true };
    },
    CreateTags({ Resources, Tags }) {
      for (const id of Resources as string[])
        world.find('security-group', id).tags.push(...(Tags as { Key: string; Value: string }[]));
      return {};
    },
    DeleteSecurityGroup(input) {
      const group = world.find('security-group', input['GroupId']);
      const isUsed = world.all('instance').some(({ state, values }) => {
        const groups = (values['SecurityGroupIds'] ?? []) as string[];
        return state !== 'terminated' && groups.includes(group.id);
      });
      if (isUsed) throw new QueryError('DependencyViolation', `resource ${group.id} has a dependent object`);
      group.state = 'gone';
      return { GroupId: group.id };
    },
  };
}

/** Sources of the same ports are one permission. */
function add(permissions: Permission[], wanted: Permission): void {
  const same = permissions.find(
    (one) =>
      one.IpProtocol === wanted.IpProtocol &&
      one.FromPort === wanted.FromPort &&
      one.ToPort === wanted.ToPort,
  );
  if (!same) {
    permissions.push(structuredClone(wanted));
    return;
  }
  same.IpRanges = [...(same.IpRanges ?? []), ...(wanted.IpRanges ?? [])];
  same.Ipv6Ranges = [...(same.Ipv6Ranges ?? []), ...(wanted.Ipv6Ranges ?? [])];
  same.UserIdGroupPairs = [...(same.UserIdGroupPairs ?? []), ...(wanted.UserIdGroupPairs ?? [])];
}
