import { createHash } from 'node:crypto';
import type { NetworkSpec } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { labelsOf, ProviderError, readLabels, type Network, type NetworkPort } from '../../port/index.ts';
import { createOnce, ignoring, pathOf, prefix, type Lxd } from './client.ts';

/** LXD REST API, `Network`. */
export const networkSchema = z.object({
  name: z.string(),
  description: z.string(),
  config: z.record(z.string(), z.string()),
  managed: z.boolean(),
  status: z.string(),
});
export type NetworkAnswer = z.infer<typeof networkSchema>;

/**
 * Bridges. The name is that of a network interface, at most 15 characters: a digest of the one it is given.
 * VXLAN reaches the other hosts by multicast (LXD's `tunnel.*`); VLANs need an interface of the host and are refused.
 */
export function lxdNetworks(lxd: Lxd): NetworkPort {
  const get = async (ref: string, signal: AbortSignal): Promise<Network | undefined> => {
    const found = await lxd.find(networkSchema, pathOf(['networks', ref]), signal);
    return found && toNetwork(found.value);
  };

  return {
    get,

    async create(spec, tag, name, operation) {
      const ref = `md${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
      const config = { ...configOf(spec), ...labelsOf(tag, name, prefix) };
      const body = { name: ref, type: 'bridge', description: name, config };
      return createOnce(
        tag,
        async () => lxd.change(pathOf(['networks']), { method: 'POST', body }, operation),
        async () => get(ref, operation.signal),
      );
    },

    async list(owner, signal) {
      return (await allNetworks(lxd, signal)).flatMap((answer) => {
        const network = toNetwork(answer);
        return network?.tag.owner === owner ? [network] : [];
      });
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal))
        await ignoring(['not-found'], lxd.change(pathOf(['networks', ref]), { method: 'DELETE' }, operation));
    },
  };
}

export async function allNetworks(lxd: Lxd, signal: AbortSignal): Promise<readonly NetworkAnswer[]> {
  const found = await lxd.read(z.array(networkSchema), pathOf(['networks'], { recursion: '1' }), signal);
  return found.filter(({ managed }) => managed);
}

function configOf({ type, segment, cidrs, dhcp, hasGateway }: NetworkSpec): Record<string, string> {
  if (type === 'vlan') throw new ProviderError('invalid', 'LXD bridges have no VLAN of their own here');
  return {
    ...addressesOf(cidrs),
    'ipv4.dhcp': String(dhcp),
    'ipv6.dhcp': String(dhcp),
    'ipv4.nat': String(hasGateway),
    'ipv6.nat': String(hasGateway),
    ...(hasGateway ? {} : { 'ipv4.routing': 'false', 'ipv6.routing': 'false' }),
    ...(type === 'vxlan' && tunnelOf(segment)),
  };
}

/** Without a wish LXD chooses an IPv4 network that is free on its host. */
function addressesOf(cidrs: NetworkSpec['cidrs']): Record<string, string> {
  if (cidrs === null) return { 'ipv4.address': 'auto', 'ipv6.address': 'none' };
  const gateways = cidrs.map((cidr) => gatewayOf(cidr));
  const of = (isIpv6: boolean): string => gateways.find((one) => one.includes(':') === isIpv6) ?? 'none';
  return { 'ipv4.address': of(false), 'ipv6.address': of(true) };
}

function tunnelOf(segment: number | null): Record<string, string> {
  if (segment === null) throw new ProviderError('invalid', 'A VXLAN needs its identifier');
  return {
    'tunnel.medusa.protocol': 'vxlan',
    'tunnel.medusa.id': String(segment),
    [`${prefix}segment`]: String(segment),
  };
}

/** The first host of a network is its gateway: `10.0.0.0/24` → `10.0.0.1/24`. */
function gatewayOf(cidr: string): string {
  const [address, prefixLength] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return `${ipaddr.fromByteArray(bytes).toString()}/${prefixLength}`;
}

/** And back. */
function networkOf(gateway: string): string {
  const [address, length] = ipaddr.parseCIDR(gateway);
  const network =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(gateway)
      : ipaddr.IPv6.networkAddressFromCIDR(gateway);
  return `${network.toString()}/${length}`;
}

function toNetwork({ name, config, status }: NetworkAnswer): Network | undefined {
  const labels = readLabels(config, prefix);
  if (!labels) return undefined;
  const segment = config[`${prefix}segment`];
  return {
    ref: name,
    ...labels,
    state: status === 'Created' ? 'running' : status === 'Errored' ? 'error' : 'pending',
    detail: status,
    createdAt: null,
    cidrs: [config['ipv4.address'], config['ipv6.address']]
      .filter((address) => address?.includes('/'))
      .map((address) => networkOf(address ?? '')),
    segment: segment === undefined ? null : Number(segment),
  };
}
