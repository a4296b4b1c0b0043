import type { SecurityRule } from '@medusa/protocol';
import { z } from 'zod';
import type { Item, SecurityGroup, SecurityGroupPort } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';
import { undoing, whenReady } from './parts.ts';
import { describedBy, descriptionOf } from './tags.ts';

const ruleSchema = z.object({
  id: z.string(),
  direction: z.enum(['ingress', 'egress']),
  ethertype: z.enum(['IPv4', 'IPv6']),
  protocol: z.string().nullable(),
  port_range_min: z.number().nullable(),
  port_range_max: z.number().nullable(),
  remote_ip_prefix: z.string().nullable(),
  remote_group_id: z.string().nullable(),
});
type NeutronRule = z.infer<typeof ruleSchema>;
type NewRule = Omit<NeutronRule, 'id'> & { readonly security_group_id: string };

const groupSchema = z.object({
  id: z.string(),
  description: z.string().nullable(),
  created_at: z.coerce.date().optional(),
  security_group_rules: z.array(ruleSchema),
});
const oneGroupSchema = z.object({ security_group: groupSchema });
type NeutronGroup = z.infer<typeof groupSchema>;

/** Security groups of Neutron. The rules are all there are: the two that let everything out are taken away. */
export function neutronSecurityGroups(cloud: Cloud, now: () => Date): SecurityGroupPort {
  const network = cloud.service('network');
  const destroy = async (ref: string, signal: AbortSignal): Promise<void> =>
    network.remove(`/security-groups/${encodeURIComponent(ref)}`, signal);

  const toGroup = (group: NeutronGroup): SecurityGroup | undefined => {
    const described = describedBy(group.description);
    if (!described) return undefined;
    const count = group.security_group_rules.length;
    return {
      ref: group.id,
      name: described.name,
      tag: described.tag,
      ...whenReady(count === described.parts, {
        createdAt: group.created_at ?? null,
        now: now(),
        why: `${count} of ${described.parts} rules`,
      }),
      createdAt: group.created_at ?? null,
      rules: rulesFrom(group.security_group_rules),
    };
  };

  return {
    async create({ rules }, tag, name, { signal }) {
      const count = rules.flatMap((rule) => toNeutron('', rule)).length;
      const security_group = { name, description: descriptionOf(name, tag, count) };
      const made = await network.ask(
        { method: 'POST', path: '/security-groups', body: { security_group }, signal },
        oneGroupSchema,
      );
      const { id, security_group_rules: openings } = made.security_group;
      await undoing(
        async () => destroy(id, AbortSignal.timeout(undoMs)),
        async () => {
          const security_group_rules = rules.flatMap((rule) => toNeutron(id, rule));
          if (security_group_rules.length > 0)
            await network.tell({
              method: 'POST',
              path: '/security-group-rules',
              body: { security_group_rules },
              signal,
            });
          for (const opening of openings) await network.remove(`/security-group-rules/${opening.id}`, signal);
        },
      );
      const item: Item = {
        ref: id,
        name,
        tag,
        state: 'running',
        detail: '',
        createdAt: made.security_group.created_at ?? null,
      };
      return { ...item, rules };
    },

    async get(ref, signal) {
      const path = `/security-groups/${encodeURIComponent(ref)}`;
      const found = await network.find(path, oneGroupSchema, signal);
      return found && toGroup(found.security_group);
    },

    async list(owner, signal) {
      const all = await network.list(
        { path: '/security-groups', key: 'security_groups', signal },
        groupSchema,
      );
      return all.flatMap((group) => toGroup(group) ?? []).filter(({ tag }) => tag.owner === owner);
    },

    destroy: async (ref, { signal }) => destroy(ref, signal),
  };
}

const undoMs = 30_000;

/** One rule of ours is one of Neutron's, but members of the group may have addresses of either family. */
function toNeutron(groupId: string, rule: SecurityRule): readonly NewRule[] {
  const families =
    rule.remote === 'group'
      ? (['IPv4', 'IPv6'] as const)
      : [rule.remote.includes(':') ? ('IPv6' as const) : ('IPv4' as const)];
  const hasPorts = rule.protocol === 'tcp' || rule.protocol === 'udp';
  return families.map((ethertype) => ({
    security_group_id: groupId,
    direction: rule.direction === 'in' ? 'ingress' : 'egress',
    ethertype,
    protocol: protocolFor(rule.protocol, ethertype),
    port_range_min: hasPorts ? rule.fromPort : null,
    port_range_max: hasPorts ? (rule.toPort ?? rule.fromPort) : null,
    remote_ip_prefix: rule.remote === 'group' ? null : rule.remote,
    remote_group_id: rule.remote === 'group' ? groupId : null,
  }));
}

function protocolFor(protocol: SecurityRule['protocol'], ethertype: 'IPv4' | 'IPv6'): string | null {
  if (protocol === 'any') return null;
  return protocol === 'icmp' && ethertype === 'IPv6' ? 'ipv6-icmp' : protocol;
}

const protocols: Readonly<Record<string, SecurityRule['protocol']>> = {
  tcp: 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  'ipv6-icmp': 'icmp',
  icmpv6: 'icmp',
};

function rulesFrom(all: readonly NeutronRule[]): readonly SecurityRule[] {
  const read = all.map((rule): SecurityRule => ({
    direction: rule.direction === 'ingress' ? 'in' : 'out',
    protocol: rule.protocol === null ? 'any' : (protocols[rule.protocol] ?? 'any'),
    fromPort: rule.port_range_min,
    toPort: rule.port_range_max,
    remote: rule.remote_group_id === null ? (rule.remote_ip_prefix ?? anywhere[rule.ethertype]) : 'group',
  }));
  // The pairs of families become one again.
  return [...new Map(read.map((rule) => [JSON.stringify(rule), rule])).values()];
}

const anywhere = { IPv4: '0.0.0.0/0', IPv6: '::/0' };
