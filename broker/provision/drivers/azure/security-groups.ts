import type { SecurityRule } from '@medusa/protocol';
import { z } from 'zod';
import { ProviderError, type SecurityGroup, type SecurityGroupPort } from '../../port/index.ts';
import {
  apiVersions,
  createOnce,
  isOwnedBy,
  itemOf,
  lifeOf,
  openCollection,
  resourceSchema,
  tagOf,
  tagsOf,
  type Collection,
  type Context,
} from './resources.ts';

const ruleSchema = z.object({
  name: z.string(),
  properties: z.object({
    direction: z.enum(['Inbound', 'Outbound']),
    access: z.string(),
    protocol: z.string(),
    sourceAddressPrefix: z.string().nullish(),
    destinationAddressPrefix: z.string().nullish(),
    destinationPortRange: z.string().nullish(),
  }),
});
type Rule = z.infer<typeof ruleSchema>;
const groupSchema = resourceSchema.extend({
  properties: z.object({
    provisioningState: z.string().nullish(),
    securityRules: z.array(ruleSchema).default([]),
  }),
});
type Group = z.infer<typeof groupSchema>;
type ApplicationGroup = z.infer<typeof resourceSchema>;

const groupCollection = (context: Context): Collection<Group> =>
  openCollection(
    context,
    { type: 'Microsoft.Network/networkSecurityGroups', version: apiVersions.network },
    groupSchema,
  );

/** Its members, for rules that let each other in. Of the same name as the group; made before it and taken away after it. */
const memberCollection = (context: Context): Collection<ApplicationGroup> =>
  openCollection(
    context,
    { type: 'Microsoft.Network/applicationSecurityGroups', version: apiVersions.network },
    resourceSchema,
  );

/** The groups that an interface is put into. */
export function memberGroupsOf(
  context: Context,
  refs: readonly string[],
): { group?: string; applicationGroup?: string } {
  const [ref, ...more] = refs;
  if (more.length > 0) throw new ProviderError('invalid', 'An interface has one security group at Azure');
  if (ref === undefined) return {};
  return { group: groupCollection(context).idOf(ref), applicationGroup: memberCollection(context).idOf(ref) };
}

const cleaningMs = 60_000;

/** A network security group with exactly the rules it is told: Azure's own, which let the virtual network in and everything out, come after ours that deny. */
export function securityGroupPort(context: Context): SecurityGroupPort {
  const { arm, settings } = context;
  const groups = groupCollection(context);
  const members = memberCollection(context);
  const removeMembers = async (ref: string, signal: AbortSignal): Promise<void> => {
    const answer = await members.delete(ref, signal);
    if (answer) await arm.finish(answer, signal);
  };
  return {
    async create({ rules }, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      const common = { location: settings.location, tags: tagsOf(tag) };
      const securityRules = rulesOf(rules, members.idOf(name));
      const made = await createOnce(groups, { tag, name, operation }, async () => {
        try {
          const { answer } = await members.put(name, { ...common, properties: {} }, signal);
          await arm.finish(answer, signal);
          return (await groups.put(name, { ...common, properties: { securityRules } }, signal)).thing;
        } catch (error) {
          const cleaning = AbortSignal.timeout(cleaningMs);
          if (!(await groups.get(name, cleaning))) await removeMembers(name, cleaning);
          throw error;
        }
      });
      const group = groupOf(made);
      if (!group) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return group;
    },
    async get(ref, signal) {
      const [group, member] = await Promise.all([groups.get(ref, signal), members.get(ref, signal)]);
      return group ? groupOf(group) : member && remainsOf(member);
    },
    async list(owner, signal) {
      const [all, allMembers] = await Promise.all([groups.list(signal), members.list(signal)]);
      const names = new Set(all.map(({ name }) => name));
      return [
        ...all.filter(isOwnedBy(owner)).flatMap((group) => groupOf(group) ?? []),
        ...allMembers
          .filter(isOwnedBy(owner))
          .flatMap((member) => (names.has(member.name) ? [] : (remainsOf(member) ?? []))),
      ];
    },
    async destroy(ref, { signal }) {
      const [group, member] = await Promise.all([groups.get(ref, signal), members.get(ref, signal)]);
      if (group && tagOf(group)) {
        const answer = await groups.delete(ref, signal);
        if (answer) await arm.finish(answer, signal);
      }
      if (member && tagOf(member)) await removeMembers(ref, signal);
    },
  };
}

/** 100 to 4096; lower ones come first. */
const firstPriority = 100;
const lastPriority = 4_096;

function rulesOf(rules: readonly SecurityRule[], membersId: string): object[] {
  const ours = rules.map((rule, index) => ({
    name: `medusa-${index}`,
    properties: {
      priority: firstPriority + index,
      direction: rule.direction === 'in' ? 'Inbound' : 'Outbound',
      access: 'Allow',
      protocol: protocols[rule.protocol],
      sourcePortRange: '*',
      destinationPortRange: portsOf(rule),
      ...endsOf(rule, membersId),
    },
  }));
  return [...ours, ...['Inbound', 'Outbound'].map(denyAll)];
}

const denyAll = (direction: string): object => ({
  name: `medusa-deny-${direction.toLowerCase()}`,
  properties: {
    priority: lastPriority,
    direction,
    access: 'Deny',
    protocol: '*',
    sourcePortRange: '*',
    destinationPortRange: '*',
    sourceAddressPrefix: '*',
    destinationAddressPrefix: '*',
  },
});

const protocols = { tcp: 'Tcp', udp: 'Udp', icmp: 'Icmp', any: '*' } as const;

function portsOf({ fromPort, toPort }: SecurityRule): string {
  if (fromPort === null) return '*';
  return toPort === null || toPort === fromPort ? String(fromPort) : `${fromPort}-${toPort}`;
}

function endsOf({ direction, remote }: SecurityRule, membersId: string): object {
  const [theirs, own] = direction === 'in' ? ['source', 'destination'] : ['destination', 'source'];
  return {
    [`${own}AddressPrefix`]: '*',
    ...(remote === 'group'
      ? { [`${theirs}ApplicationSecurityGroups`]: [{ id: membersId }] }
      : { [`${theirs}AddressPrefix`]: remote }),
  };
}

function groupOf(group: Group): SecurityGroup | undefined {
  const { provisioningState, securityRules } = group.properties;
  const item = itemOf(group, lifeOf(provisioningState));
  return item && { ...item, rules: securityRules.flatMap((rule) => ruleOf(rule) ?? []) };
}

function ruleOf({ properties }: Rule): SecurityRule | undefined {
  if (properties.access !== 'Allow') return undefined;
  const isIn = properties.direction === 'Inbound';
  const remote = isIn ? properties.sourceAddressPrefix : properties.destinationAddressPrefix;
  return {
    direction: isIn ? 'in' : 'out',
    protocol: protocolOf(properties.protocol),
    ...portsIn(properties.destinationPortRange ?? '*'),
    remote: remote ?? 'group',
  };
}

function portsIn(range: string): Pick<SecurityRule, 'fromPort' | 'toPort'> {
  const [from = '*', to = from] = range.split('-');
  return from === '*' ? { fromPort: null, toPort: null } : { fromPort: Number(from), toPort: Number(to) };
}

/** ARM does not keep the case of its words. */
function protocolOf(word: string): SecurityRule['protocol'] {
  const known = ['tcp', 'udp', 'icmp'] as const;
  return known.find((one) => one === word.toLowerCase()) ?? 'any';
}

/** The members' group without the rules. */
function remainsOf(member: ApplicationGroup): SecurityGroup | undefined {
  const item = itemOf(member, { state: 'error', detail: 'its rules are not there' });
  return item && { ...item, rules: [] };
}
