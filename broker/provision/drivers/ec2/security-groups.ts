import type { IpPermission } from '@aws-sdk/client-ec2';
import type { SecurityRule } from '@medusa/protocol';
import { z } from 'zod';
import {
  ProviderError,
  type Operation,
  type SecurityGroup,
  type SecurityGroupPort,
} from '../../port/index.ts';
import { allPages, ownedBy, parsed, readTags, taggedAs, tagsOf, unlessNotFound } from './client.ts';
import { destroyOnce, onceVisible, type Context } from './context.ts';
import { openOnce } from './once.ts';

const permissionSchema = z.object({
  IpProtocol: z.string(),
  FromPort: z.int().optional(),
  ToPort: z.int().optional(),
  IpRanges: z.array(z.object({ CidrIp: z.string() })).default([]),
  Ipv6Ranges: z.array(z.object({ CidrIpv6: z.string() })).default([]),
  UserIdGroupPairs: z.array(z.object({ GroupId: z.string().optional() })).default([]),
});
type Permission = z.infer<typeof permissionSchema>;

const groupSchema = z.object({
  GroupId: z.string(),
  IpPermissions: z.array(permissionSchema).default([]),
  IpPermissionsEgress: z.array(permissionSchema).default([]),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});
type Parsed = z.infer<typeof groupSchema>;

/** Written when all rules are: a group is made by several calls, and any of them may be the last. */
const completeKey = 'medusa-rules';

const cleaningMs = 15_000;

/** Groups of the VPC, with exactly the rules they are told: the one to let everything out, which EC2 adds, is taken away. */
export function securityGroupPort(context: Context): SecurityGroupPort {
  const { ec2, settings } = context;
  const once = openOnce(context.now);
  type Query = { Filters?: ReturnType<typeof ownedBy>; GroupIds?: string[] };
  const find = async (query: Query, signal: AbortSignal): Promise<SecurityGroup[]> => {
    const groups = await allPages(
      async (token) => {
        const answer = await ec2.read(
          async (api, options) => api.describeSecurityGroups({ ...query, ...token }, options),
          signal,
        );
        const things = parsed(z.array(groupSchema), answer.SecurityGroups ?? []);
        return { things, NextToken: answer.NextToken };
      },
      ({ GroupId }) => GroupId,
    );
    return groups.flatMap((group) => groupOf(group) ?? []);
  };
  return {
    create: async ({ rules }, tag, name, operation) =>
      once(operation, {
        find: async () => (await find({ Filters: taggedAs(tag) }, operation.signal))[0],
        async make() {
          const request = { GroupName: name, Description: name, VpcId: settings.vpc };
          const { GroupId } = await ec2.change(
            async (api, options) =>
              api.createSecurityGroup(
                { ...request, TagSpecifications: tagsOf('security-group', tag, name) },
                options,
              ),
            operation.signal,
          );
          if (GroupId === undefined)
            throw new ProviderError('unknown-outcome', `${name} came back without its id`);
          await writeRules(context, { GroupId, rules }, operation);
          const life = { state: 'running', detail: 'available' } as const;
          return { ref: GroupId, name, tag, ...life, createdAt: null, rules };
        },
      }),
    get: async (ref, signal) => (await unlessNotFound(find({ GroupIds: [ref] }, signal)))?.[0],
    list: async (owner, signal) => find({ Filters: ownedBy(owner) }, signal),
    async destroy(ref, { signal }) {
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.deleteSecurityGroup({ GroupId: ref }, options), signal),
      );
    },
  };
}

/** A group made a moment ago may not be seen by the calls that fill it: they are made until it is, or the signal ends. */
async function writeRules(
  { ec2, recent }: Context,
  { GroupId, rules }: { GroupId: string; rules: readonly SecurityRule[] },
  { signal }: Operation,
): Promise<void> {
  const of = (direction: SecurityRule['direction']): IpPermission[] =>
    rules.filter((rule) => rule.direction === direction).map((rule) => permissionOf(rule, GroupId));
  const everythingOut = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  const complete = { Resources: [GroupId], Tags: [{ Key: completeKey, Value: String(rules.length) }] };
  const [ingress, egress] = [of('in'), of('out')];
  const step = async (call: Parameters<typeof ec2.change<unknown>>[0]): Promise<unknown> =>
    onceVisible(async () => ec2.change(call, signal), signal);
  try {
    await step(async (api, options) =>
      api.revokeSecurityGroupEgress({ GroupId, IpPermissions: everythingOut }, options),
    );
    if (ingress.length > 0)
      await step(async (api, options) =>
        api.authorizeSecurityGroupIngress({ GroupId, IpPermissions: ingress }, options),
      );
    if (egress.length > 0)
      await step(async (api, options) =>
        api.authorizeSecurityGroupEgress({ GroupId, IpPermissions: egress }, options),
      );
    await step(async (api, options) => api.createTags(complete, options));
    recent.add(GroupId);
  } catch (error) {
    const cleaning = AbortSignal.timeout(cleaningMs);
    await onceVisible(
      async () => ec2.change(async (api, options) => api.deleteSecurityGroup({ GroupId }, options), cleaning),
      cleaning,
    );
    throw error;
  }
}

const allPorts = { from: 0, to: 65_535 };

function permissionOf(rule: SecurityRule, GroupId: string): IpPermission {
  const { protocol, fromPort, toPort, remote } = rule;
  const range = rangeOf(remote, GroupId);
  switch (protocol) {
    case 'any':
      return { IpProtocol: '-1', ...range };
    case 'icmp':
      // -1: every type and code.
      return { IpProtocol: remote.includes(':') ? 'icmpv6' : 'icmp', FromPort: -1, ToPort: -1, ...range };
    case 'tcp':
    case 'udp': {
      const ports = fromPort === null ? allPorts : { from: fromPort, to: toPort ?? fromPort };
      return { IpProtocol: protocol, FromPort: ports.from, ToPort: ports.to, ...range };
    }
  }
}

function rangeOf(remote: string, GroupId: string): IpPermission {
  if (remote === 'group') return { UserIdGroupPairs: [{ GroupId }] };
  return remote.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: remote }] } : { IpRanges: [{ CidrIp: remote }] };
}

/** EC2's words for protocols; -1 is any. */
const protocols: Readonly<Record<string, SecurityRule['protocol']>> = {
  tcp: 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  icmpv6: 'icmp',
};

/** EC2 puts the sources of equal ports together; here each is a rule again. */
function rulesOf(direction: SecurityRule['direction'], permission: Permission): SecurityRule[] {
  const { IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, UserIdGroupPairs } = permission;
  const protocol = protocols[IpProtocol] ?? 'any';
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  const isEveryPort = FromPort === allPorts.from && ToPort === allPorts.to;
  const [fromPort = null, toPort = null] = hasPorts && !isEveryPort ? [FromPort, ToPort] : [];
  const remotes = [
    ...IpRanges.map(({ CidrIp }) => CidrIp),
    ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6),
    ...UserIdGroupPairs.map(() => 'group' as const),
  ];
  return remotes.map((remote) => ({ direction, protocol, fromPort, toPort, remote }));
}

function groupOf(group: Parsed): SecurityGroup | undefined {
  const ours = readTags(group.Tags);
  const isComplete = group.Tags.some(({ Key }) => Key === completeKey);
  return (
    ours && {
      ref: group.GroupId,
      ...ours,
      state: isComplete ? 'running' : 'error',
      detail: isComplete ? 'available' : 'its rules were not all written',
      createdAt: null,
      rules: [
        ...group.IpPermissions.flatMap((permission) => rulesOf('in', permission)),
        ...group.IpPermissionsEgress.flatMap((permission) => rulesOf('out', permission)),
      ],
    }
  );
}
