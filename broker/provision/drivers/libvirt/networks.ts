import { createHash } from 'node:crypto';
import type { NetworkSpec } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import {
  isProviderFault,
  isSameTag,
  ProviderError,
  tagOf,
  type Network,
  type NetworkPort,
  type Operation,
} from '../../port/index.ts';
import { readXml } from '../xml/document.ts';
import { found, ignoring, inputFile, linesOf, type Virsh } from './virsh.ts';
import { parsed, writeXml } from './xml.ts';

const networkSchema = z.object({
  network: z.object({
    name: z.string(),
    ip: z
      .array(
        z.object({
          '@address': z.string(),
          '@prefix': z.string().optional(),
          '@netmask': z.string().optional(),
        }),
      )
      .optional(),
  }),
});

/** libvirt's virtual networks (libvirt.org/formatnetwork.html): a bridge, DHCP and translation by libvirt itself. */
export function libvirtNetworks(virsh: Virsh): NetworkPort {
  const change = async (args: readonly string[], { signal }: Operation, input?: string): Promise<string> =>
    virsh(args, { isChange: true, signal, ...(input === undefined ? {} : { input }) });

  async function get(ref: string, signal: AbortSignal): Promise<Network | undefined> {
    const tag = tagOf('network', ref);
    const text = tag && (await found(virsh(['net-dumpxml', ref], { signal })));
    if (!tag || text === undefined) return undefined;
    const active = linesOf(await virsh(['net-list', '--name'], { signal }));
    const isActive = active.includes(ref);
    return {
      ref,
      name: ref,
      tag,
      state: isActive ? 'running' : 'pending',
      detail: isActive ? 'active' : 'inactive',
      createdAt: null,
      cidrs: cidrsOf(text),
      segment: null,
    };
  }

  return {
    get,

    async create(spec, tag, name, operation) {
      const { signal } = operation;
      const xml = writeXml({ network: documentOf(spec, name) });
      // A network that exists would be redefined by a definition of the same name.
      const present = await get(name, signal);
      if (present && !isSameTag(present.tag, tag))
        throw new ProviderError('conflict', `The network ${name} is of ${present.tag.resource}`);
      if (!present) await ignoring(['conflict'], change(['net-define', inputFile], operation, xml));
      try {
        await ignoring(['conflict'], change(['net-start', name], operation));
      } catch (error) {
        if (!present && !isProviderFault(error, 'unknown-outcome'))
          await ignoring(['not-found'], change(['net-undefine', name], operation));
        throw error;
      }
      const made = await get(name, signal);
      if (!made) throw new ProviderError('transient', `The network ${name} is gone already`);
      return made;
    },

    async list(owner, signal) {
      const names = linesOf(await virsh(['net-list', '--all', '--name'], { signal }));
      const ours = names.filter((name) => tagOf('network', name)?.owner === owner);
      const networks = await Promise.all(ours.map(async (name) => get(name, signal)));
      return networks.filter((network) => network !== undefined);
    },

    async destroy(ref, operation) {
      if (!(await get(ref, operation.signal))) return;
      await ignoring(['conflict', 'not-found'], change(['net-destroy', ref], operation));
      await ignoring(['not-found'], change(['net-undefine', ref], operation));
    },
  };
}

function documentOf({ type, cidrs, dhcp, hasGateway }: NetworkSpec, name: string): object {
  if (type !== 'flat') throw new ProviderError('invalid', `libvirt's own networks are no ${type}`);
  if (cidrs === null) throw new ProviderError('invalid', 'A network of libvirt needs its addresses');
  return {
    name,
    // Interface names end at 15 characters.
    bridge: { '@name': `vm${createHash('sha256').update(name).digest('hex').slice(0, 12)}`, '@stp': 'off' },
    ...(hasGateway && { forward: { '@mode': 'nat' } }),
    ip: cidrs.map((cidr) => subnetOf(cidr, dhcp)),
  };
}

/** The first host is the gateway; the rest is handed out. */
function subnetOf(cidr: string, dhcp: boolean): object {
  const [network, prefix] = ipaddr.parseCIDR(cidr);
  const isIpv4 = network.kind() === 'ipv4';
  const at = (offset: number): string => {
    const bytes = network.toByteArray();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + offset;
    return ipaddr.fromByteArray(bytes).toString();
  };
  const hosts = 2 ** Math.min(8, (isIpv4 ? 32 : 128) - prefix);
  return {
    '@family': isIpv4 ? 'ipv4' : 'ipv6',
    '@address': at(1),
    '@prefix': String(prefix),
    ...(dhcp && { dhcp: { range: { '@start': at(2), '@end': at(hosts - 2) } } }),
  };
}

function cidrsOf(text: string): readonly string[] {
  const { ip = [] } = parsed(networkSchema, readXml(text, ['ip'])).network;
  return ip.map(({ '@address': address, '@prefix': prefix, '@netmask': netmask }) => {
    const length =
      prefix ?? String(ipaddr.IPv4.parse(netmask ?? '255.255.255.255').prefixLengthFromSubnetMask());
    const cidr = `${address}/${length}`;
    const network =
      ipaddr.parse(address).kind() === 'ipv4'
        ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
        : ipaddr.IPv6.networkAddressFromCIDR(cidr);
    return `${network.toString()}/${length}`;
  });
}
