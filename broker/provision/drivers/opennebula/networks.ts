import type { NetworkSpec, SecurityRule } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import {
  ProviderError,
  tagOf,
  type Network,
  type NetworkPort,
  type OwnerTag,
  type SecurityGroup,
  type SecurityGroupPort,
} from '../../port/index.ts';
import {
  attributesSchema,
  createOnce,
  readOne,
  readPool,
  textOf,
  toId,
  toTemplate,
  unlessUnknown,
  type OneClient,
} from './client.ts';

const networkSchema = z.object({
  ID: z.string(),
  NAME: z.string(),
  VLAN_ID: z.string().optional(),
  TEMPLATE: attributesSchema,
});
type OneNetwork = z.infer<typeof networkSchema>;

const groupSchema = z.object({
  ID: z.string(),
  NAME: z.string(),
  TEMPLATE: z.preprocess(
    (value) => (value === '' ? {} : value),
    z.looseObject({ RULE: z.array(z.record(z.string(), z.string())).default([]) }),
  ),
});

const defaultCluster = -1;

/** Virtual networks: the driver makes the segment on whichever hosts have machines in it. */
export function createNetworkPort(client: OneClient, physicalDevice: string | undefined): NetworkPort {
  const find = async (ref: string, signal: AbortSignal): Promise<OneNetwork | undefined> =>
    unlessUnknown(
      client
        .ask('one.vn.info', [toId(ref), false], signal)
        .then((body) => readOne(body, 'VNET', networkSchema)),
    );
  const port: NetworkPort = {
    async create(spec, tag, name, { signal }) {
      const template = toTemplate({ NAME: name, ...toNetworkAttributes(spec, physicalDevice) });
      const make = async (): Promise<Network> => {
        const ref = String(await client.change('one.vn.allocate', [template, defaultCluster], signal));
        const made = await find(ref, signal);
        if (!made) throw new ProviderError('unknown-outcome', `The network ${ref} is not to be seen yet`);
        return toNetwork(made, tag);
      };
      return createOnce(make, name, async () => port.list(tag.owner, signal));
    },
    async get(ref, signal) {
      const network = await find(ref, signal);
      const tag = network && tagOf('network', network.NAME);
      return network && tag ? toNetwork(network, tag) : undefined;
    },
    async list(owner, signal) {
      const body = await client.ask('one.vnpool.info', [-2, -1, -1], signal);
      return readPool(body, 'VNET', networkSchema).flatMap((network) => {
        const tag = tagOf('network', network.NAME);
        return tag?.owner === owner ? [toNetwork(network, tag)] : [];
      });
    },
    async destroy(ref, { signal }) {
      await unlessUnknown(client.change('one.vn.delete', [toId(ref)], signal));
    },
  };
  return port;
}

function toNetworkAttributes(spec: NetworkSpec, physicalDevice: string | undefined): Record<string, unknown> {
  const { type, segment, cidrs, hasGateway } = spec;
  const ranges = (cidrs ?? []).map((cidr) => ipaddr.parseCIDR(cidr));
  const v4 = ranges.find(([address]) => address.kind() === 'ipv4');
  const v6 = ranges.find(([address]) => address.kind() === 'ipv6');
  if (!v4) throw new ProviderError('invalid', 'A network of OpenNebula needs an IPv4 range');
  if (type !== 'flat' && physicalDevice === undefined)
    throw new ProviderError('invalid', `The provider's physicalDevice is needed for ${type}`);
  const [network, prefix] = v4;
  const device = physicalDevice === undefined ? {} : { PHYDEV: physicalDevice };
  return {
    VN_MAD: { flat: 'bridge', vlan: '802.1Q', vxlan: 'vxlan' }[type],
    ...device,
    ...(type === 'flat' ? {} : toSegment(segment)),
    ...(hasGateway ? { GATEWAY: hostOf(network, 1) } : {}),
    NETWORK_ADDRESS: network.toString(),
    NETWORK_MASK: ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString(),
    MEDUSA_CIDRS: ranges.map(([address, length]) => `${address.toString()}/${length}`).join(' '),
    AR: {
      TYPE: v6 ? 'IP4_6' : 'IP4',
      IP: hostOf(network, 2),
      SIZE: Math.max(1, 2 ** (32 - prefix) - 3),
      ...(v6 ? { GLOBAL_PREFIX: v6[0].toString() } : {}),
    },
  };
}

function toSegment(segment: number | null): Record<string, unknown> {
  return segment === null ? { AUTOMATIC_VLAN_ID: 'YES' } : { VLAN_ID: segment };
}

function hostOf(network: { toByteArray(): number[] }, offset: number): string {
  const value = network.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0) + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function toNetwork({ ID: ref, NAME: name, VLAN_ID: vlan, TEMPLATE }: OneNetwork, tag: OwnerTag): Network {
  const cidrs = textOf(TEMPLATE['MEDUSA_CIDRS'])
    .split(' ')
    .filter((cidr) => cidr !== '');
  const segment = vlan === undefined || vlan === '' ? null : Number(vlan);
  return { ref, name, tag, state: 'running', detail: 'READY', createdAt: null, cidrs, segment };
}

export function createSecurityGroupPort(client: OneClient): SecurityGroupPort {
  const find = async (ref: string, signal: AbortSignal): Promise<z.infer<typeof groupSchema> | undefined> =>
    unlessUnknown(
      client
        .ask('one.secgroup.info', [toId(ref), false], signal)
        .then((body) => readOne(body, 'SECURITY_GROUP', groupSchema)),
    );
  const port: SecurityGroupPort = {
    async create({ rules }, tag, name, { signal }) {
      const template = toTemplate({ NAME: name, RULE: rules.map(toRule) });
      const make = async (): Promise<SecurityGroup> => {
        const ref = String(await client.change('one.secgroup.allocate', [template], signal));
        const made = await find(ref, signal);
        if (!made)
          throw new ProviderError('unknown-outcome', `The security group ${ref} is not to be seen yet`);
        return toGroup(made, tag);
      };
      return createOnce(make, name, async () => port.list(tag.owner, signal));
    },
    async get(ref, signal) {
      const group = await find(ref, signal);
      const tag = group && tagOf('security-group', group.NAME);
      return group && tag ? toGroup(group, tag) : undefined;
    },
    async list(owner, signal) {
      const body = await client.ask('one.secgrouppool.info', [-2, -1, -1], signal);
      return readPool(body, 'SECURITY_GROUP', groupSchema).flatMap((group) => {
        const tag = tagOf('security-group', group.NAME);
        return tag?.owner === owner ? [toGroup(group, tag)] : [];
      });
    },
    async destroy(ref, { signal }) {
      await unlessUnknown(client.change('one.secgroup.delete', [toId(ref)], signal));
    },
  };
  return port;
}

function toGroup(
  { ID: ref, NAME: name, TEMPLATE }: z.infer<typeof groupSchema>,
  tag: OwnerTag,
): SecurityGroup {
  const rules = TEMPLATE.RULE.map(fromRule);
  return { ref, name, tag, state: 'running', detail: 'READY', createdAt: null, rules };
}

/** A range of a rule is its first address and how many: always the whole block of a prefix here. */
function toRule({ direction, protocol, fromPort, toPort, remote }: SecurityRule): Record<string, unknown> {
  if (remote === 'group')
    throw new ProviderError('invalid', 'OpenNebula has no rule for the members of a group');
  const [address, prefix] = ipaddr.parseCIDR(remote);
  if (address.kind() === 'ipv6' && prefix !== 0)
    throw new ProviderError(
      'invalid',
      'OpenNebula counts at most 2^32 addresses: an IPv6 range does not fit',
    );
  const isAny = prefix === 0;
  return {
    PROTOCOL: { tcp: 'TCP', udp: 'UDP', icmp: address.kind() === 'ipv6' ? 'ICMPv6' : 'ICMP', any: 'ALL' }[
      protocol
    ],
    RULE_TYPE: direction === 'in' ? 'inbound' : 'outbound',
    ...(fromPort === null ? {} : { RANGE: `${fromPort}:${toPort ?? fromPort}` }),
    ...(isAny ? { MEDUSA_REMOTE: remote } : { IP: address.toString(), SIZE: 2 ** (32 - prefix) }),
  };
}

const protocols: Readonly<Record<string, SecurityRule['protocol']>> = {
  TCP: 'tcp',
  UDP: 'udp',
  ICMP: 'icmp',
  ICMPv6: 'icmp',
};

function fromRule(rule: Readonly<Record<string, string>>): SecurityRule {
  const { RANGE: range = '', PROTOCOL: word = 'ALL', RULE_TYPE: type, SIZE: size = '1', IP: address } = rule;
  const [fromPort = null, toPort = fromPort] = range
    .split(':')
    .filter((port) => port !== '')
    .map(Number);
  return {
    direction: type === 'outbound' ? 'out' : 'in',
    protocol: protocols[word] ?? 'any',
    fromPort,
    toPort,
    remote:
      address === undefined
        ? (rule['MEDUSA_REMOTE'] ?? '0.0.0.0/0')
        : `${address}/${32 - Math.log2(Number(size))}`,
  };
}
