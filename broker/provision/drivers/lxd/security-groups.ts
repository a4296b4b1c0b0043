import { securityRuleSchema, type SecurityRule } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import {
  labelsOf,
  ProviderError,
  readLabels,
  type Operation,
  type SecurityGroup,
  type SecurityGroupPort,
} from '../../port/index.ts';
import { createOnce, ignoring, pathOf, prefix, rewrite, without, type Lxd } from './client.ts';
import { allNetworks, networkSchema, type NetworkAnswer } from './networks.ts';
import type { LxdSettings } from './settings.ts';

/** LXD REST API, `NetworkACLRule`. */
const ruleSchema = z.object({
  action: z.string(),
  source: z.string().optional(),
  destination: z.string().optional(),
  protocol: z.string().optional(),
  destination_port: z.string().optional(),
});
type Rule = z.infer<typeof ruleSchema>;

const aclSchema = z.object({
  name: z.string(),
  config: z.record(z.string(), z.string()).nullish(),
  ingress: z.array(ruleSchema),
  egress: z.array(ruleSchema),
});

const groupRulesSchema = z.array(securityRuleSchema);
const groupRulesKey = `${prefix}group-rules`;
const aclsKey = 'security.acls';

/** Puts groups on networks before a machine is made there. */
export type SecurityOfNetworks = {
  apply(
    networks: readonly string[],
    wanted: { groups: readonly string[]; owner: string; operation: Operation },
  ): Promise<void>;
};

/**
 * Network ACLs. LXD's bridges hold them for a whole network, towards whatever lies beyond it: what one machine's groups allow
 * is allowed to all machines there, and what nothing allows is rejected. Between machines of one bridge everything passes, so
 * rules about members of the group need no rule of LXD; they are kept beside and reach no other network.
 * Groups go onto networks of the same owner, and onto those the settings name.
 */
export function lxdSecurityGroups(
  lxd: Lxd,
  settings: LxdSettings,
): { port: SecurityGroupPort; security: SecurityOfNetworks } {
  const get = async (ref: string, signal: AbortSignal): Promise<SecurityGroup | undefined> => {
    const found = await lxd.find(aclSchema, pathOf(['network-acls', ref]), signal);
    return found && toGroup(found.value);
  };

  async function setAcls(
    network: string,
    change: (present: readonly string[]) => readonly string[],
    operation: Operation,
  ): Promise<void> {
    const next = ({ config, description }: NetworkAnswer): object | undefined => {
      const present = aclsOf(config);
      const acls = [...new Set(change(present))];
      if (acls.length === present.length && acls.every((acl) => present.includes(acl))) return undefined;
      const listed = acls.length > 0 ? { [aclsKey]: acls.join(',') } : {};
      return { description, config: { ...without(config, aclsKey), ...listed } };
    };
    await rewrite(lxd, { schema: networkSchema, path: pathOf(['networks', network]), next }, operation);
  }

  const security: SecurityOfNetworks = {
    async apply(networks, { groups, owner, operation }) {
      if (groups.length === 0) return;
      if (networks.length === 0)
        throw new ProviderError('invalid', 'Security groups need a network that LXD manages');
      for (const network of networks) {
        const { config } = await lxd.read(networkSchema, pathOf(['networks', network]), operation.signal);
        const isOurs = readLabels(config, prefix)?.tag.owner === owner;
        if (!isOurs && !settings.groupNetworks.includes(network))
          throw new ProviderError('invalid', `Security groups may not be set on the network ${network}`);
        await setAcls(network, (present) => [...present, ...groups], operation);
      }
    },
  };

  const port: SecurityGroupPort = {
    get,

    async create({ rules }, tag, name, operation) {
      const beside = rules.filter(({ remote }) => remote === 'group');
      const beyond = rules.filter(({ remote }) => remote !== 'group');
      const body = {
        name,
        config: { ...labelsOf(tag, name, prefix), [groupRulesKey]: JSON.stringify(beside) },
        ingress: beyond.filter(({ direction }) => direction === 'in').map((rule) => toLxdRule(rule)),
        egress: beyond.filter(({ direction }) => direction === 'out').map((rule) => toLxdRule(rule)),
      };
      return createOnce(
        tag,
        async () => lxd.change(pathOf(['network-acls']), { method: 'POST', body }, operation),
        async () => get(name, operation.signal),
      );
    },

    async list(owner, signal) {
      const path = pathOf(['network-acls'], { recursion: '1' });
      return (await lxd.read(z.array(aclSchema), path, signal)).flatMap((answer) => {
        const group = toGroup(answer);
        return group?.tag.owner === owner ? [group] : [];
      });
    },

    async destroy(ref, operation) {
      if (!(await get(ref, operation.signal))) return;
      for (const { name, config } of await allNetworks(lxd, operation.signal))
        if (aclsOf(config).includes(ref))
          await setAcls(name, (present) => present.filter((acl) => acl !== ref), operation);
      await ignoring(
        ['not-found'],
        lxd.change(pathOf(['network-acls', ref]), { method: 'DELETE' }, operation),
      );
    },
  };
  return { port, security };
}

function aclsOf(config: Readonly<Record<string, string>>): readonly string[] {
  return (config[aclsKey] ?? '')
    .split(',')
    .map((acl) => acl.trim())
    .filter((acl) => acl !== '');
}

function toLxdRule(rule: SecurityRule): Record<string, string> {
  const ports = portsOf(rule);
  return {
    action: 'allow',
    state: 'enabled',
    [rule.direction === 'in' ? 'source' : 'destination']: rule.remote,
    ...(rule.protocol !== 'any' && { protocol: protocolOf(rule) }),
    ...(ports !== undefined && { destination_port: ports }),
  };
}

function portsOf({ protocol, fromPort, toPort }: SecurityRule): string | undefined {
  if (fromPort === null) return undefined;
  if (protocol !== 'tcp' && protocol !== 'udp')
    throw new ProviderError('invalid', `${protocol} has no ports`);
  return toPort === null || toPort === fromPort ? `${fromPort}` : `${fromPort}-${toPort}`;
}

function protocolOf({ protocol, remote }: SecurityRule): string {
  if (protocol !== 'icmp') return protocol;
  return ipaddr.parseCIDR(remote)[0].kind() === 'ipv4' ? 'icmp4' : 'icmp6';
}

function fromLxdRule(rule: Rule, direction: 'in' | 'out'): SecurityRule {
  const [fromPort, toPort] = (rule.destination_port ?? '')
    .split('-')
    .map((port) => (port ? Number(port) : null));
  return securityRuleSchema.parse({
    direction,
    protocol: rule.protocol ? rule.protocol.replace(/^icmp[46]$/, 'icmp') : 'any',
    fromPort: fromPort ?? null,
    toPort: toPort ?? fromPort ?? null,
    remote: direction === 'in' ? rule.source : rule.destination,
  });
}

function toGroup({ name, config, ingress, egress }: z.infer<typeof aclSchema>): SecurityGroup | undefined {
  const labels = readLabels(config ?? {}, prefix);
  if (!labels) return undefined;
  return {
    ref: name,
    ...labels,
    state: 'running',
    detail: '',
    createdAt: null,
    rules: [
      ...ingress.map((rule) => fromLxdRule(rule, 'in')),
      ...egress.map((rule) => fromLxdRule(rule, 'out')),
      ...groupRulesSchema.parse(JSON.parse(config?.[groupRulesKey] ?? '[]')),
    ],
  };
}
