import type { CreateSubnetRequest } from '@aws-sdk/client-ec2';
import type { NetworkSpec } from '@medusa/protocol';
import { z } from 'zod';
import { chooseCidrs } from '../../addresses/index.ts';
import {
  isProviderFault,
  ProviderError,
  type ItemState,
  type Network,
  type NetworkPort,
  type OwnerTag,
} from '../../port/index.ts';
import { allPages, ownedBy, parsed, readTags, taggedAs, tagsOf, unlessNotFound, isGiven } from './client.ts';
import { destroyOnce, type Context } from './context.ts';
import { openOnce } from './once.ts';

const subnetSchema = z.object({
  SubnetId: z.string(),
  State: z.string().optional(),
  CidrBlock: z.string().optional(),
  Ipv6CidrBlockAssociationSet: z.array(z.object({ Ipv6CidrBlock: z.string().optional() })).default([]),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});
type Parsed = z.infer<typeof subnetSchema>;
type Query = { Filters?: ReturnType<typeof ownedBy>; SubnetIds?: string[] };

const states: Readonly<Record<string, ItemState>> = {
  pending: 'pending',
  available: 'running',
  unavailable: 'error',
};

/** VPC User Guide, "Subnet CIDR blocks": a subnet has at least 16 addresses, of which EC2 keeps five. */
const subnetLength = 24;
const maxAttempts = 16;

/** A network is a subnet of the VPC, and is routed as the VPC is. Subnets have no `ClientToken`: see `Once`. */
export function networkPort(context: Context): NetworkPort {
  const { ec2, settings, recent } = context;
  const once = openOnce(context.now);
  const find = async (query: Query, signal: AbortSignal): Promise<Parsed[]> =>
    allPages(
      async (token) => {
        const answer = await ec2.read(
          async (api, options) => api.describeSubnets({ ...query, ...token }, options),
          signal,
        );
        return { things: parsed(z.array(subnetSchema), answer.Subnets ?? []), NextToken: answer.NextToken };
      },
      ({ SubnetId }) => SubnetId,
    );
  const networks = async (query: Query, signal: AbortSignal): Promise<Network[]> =>
    (await find(query, signal)).flatMap((subnet) => networkOf(subnet) ?? []);
  /** A whole VPC and what of it is taken, as far as can be seen. */
  const room = async (signal: AbortSignal): Promise<{ whole: string; taken: string[] }> => {
    const [{ Vpcs }, subnets] = await Promise.all([
      ec2.read(async (api, options) => api.describeVpcs({ VpcIds: [settings.vpc] }, options), signal),
      find({ Filters: [{ Name: 'vpc-id', Values: [settings.vpc] }] }, signal),
    ]);
    const whole = Vpcs?.[0]?.CidrBlock;
    if (whole === undefined) throw new ProviderError('not-found', `No VPC ${settings.vpc}`);
    return { whole, taken: subnets.flatMap(({ CidrBlock }) => CidrBlock ?? []) };
  };
  const createSubnet = async (cidrs: readonly string[], wanted: Wanted): Promise<Network> => {
    const { Subnet } = await ec2.change(
      async (api, options) => api.createSubnet(requestOf(settings, cidrs, wanted), options),
      wanted.signal,
    );
    const network = networkOf(parsed(subnetSchema, Subnet));
    if (!network) throw new ProviderError('unknown-outcome', `${wanted.name} came back without its tags`);
    recent.add(network.ref);
    return network;
  };
  /** Subnets made a moment ago are not seen, but they collide: then the next one is tried. */
  const createAnywhere = async (wanted: Wanted): Promise<Network> => {
    const { whole, taken } = await room(wanted.signal);
    for (let attempt = 1; ; attempt += 1) {
      const length = Math.max(subnetLength, Number(whole.split('/')[1]));
      const cidrs = chooseCidrs(taken, [{ prefix: whole, subnetLength: length }]);
      try {
        return await createSubnet(cidrs, wanted);
      } catch (error) {
        if (!isProviderFault(error, 'conflict') || attempt === maxAttempts) throw error;
        taken.push(...cidrs);
      }
    }
  };
  return {
    create: async (spec, tag, name, operation) =>
      once(operation, {
        find: async () => (await networks({ Filters: taggedAs(tag) }, operation.signal))[0],
        async make() {
          checkSpec(spec);
          const wanted = { tag, name, signal: operation.signal };
          return spec.cidrs === null ? createAnywhere(wanted) : createSubnet(spec.cidrs, wanted);
        },
      }),
    get: async (ref, signal) => (await unlessNotFound(networks({ SubnetIds: [ref] }, signal)))?.[0],
    list: async (owner, signal) => networks({ Filters: ownedBy(owner) }, signal),
    async destroy(ref, { signal }) {
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.deleteSubnet({ SubnetId: ref }, options), signal),
      );
    },
  };
}

type Wanted = { readonly tag: OwnerTag; readonly name: string; readonly signal: AbortSignal };

function requestOf(
  { vpc, zone }: Context['settings'],
  cidrs: readonly string[],
  { tag, name }: Wanted,
): CreateSubnetRequest {
  const v4 = cidrs.find((cidr) => !cidr.includes(':'));
  const v6 = cidrs.find((cidr) => cidr.includes(':'));
  return {
    VpcId: vpc,
    ...(v4 === undefined ? {} : { CidrBlock: v4 }),
    ...(v6 === undefined ? {} : { Ipv6CidrBlock: v6 }),
    ...(zone === undefined ? {} : { AvailabilityZone: zone }),
    TagSpecifications: tagsOf('subnet', tag, name),
  };
}

function checkSpec({ type, dhcp, hasGateway }: NetworkSpec): void {
  if (type !== 'flat')
    throw new ProviderError('invalid', `A VPC has no ${type} networks: they are separate by themselves`);
  if (!dhcp) throw new ProviderError('invalid', 'Addresses of a subnet are handed out by the VPC');
  if (!hasGateway) throw new ProviderError('invalid', 'A subnet is routed as its VPC is');
}

function networkOf(subnet: Parsed): Network | undefined {
  const ours = readTags(subnet.Tags);
  const v6 = subnet.Ipv6CidrBlockAssociationSet.map(({ Ipv6CidrBlock }) => Ipv6CidrBlock);
  const cidrs = [subnet.CidrBlock, ...v6].filter(isGiven);
  const word = subnet.State ?? 'unknown';
  return (
    ours && {
      ref: subnet.SubnetId,
      ...ours,
      state: states[word] ?? 'unknown',
      detail: word,
      createdAt: null,
      cidrs,
      segment: null,
    }
  );
}
