import type { HostNetwork } from '@medusa/protocol';
import { requirePackages } from '../support/peer.ts';

/** What the tests of networks need and this machine has not. */
export const missing =
  process.getuid?.() === 0
    ? requirePackages(
        'openvswitch-switch',
        'dnsmasq-base',
        'nftables',
        'iproute2',
        'iputils-ping',
        'iputils-arping',
        'ethtool',
        'busybox-static',
        'tcpdump',
      )
    : 'root';

export const tag = (resource: string): HostNetwork['tag'] => ({ owner: 'lab', resource, incarnation: 1 });

/** Flat, with a gateway, for IPv4 and IPv6, unless told otherwise. */
export function network(id: string, given: Partial<HostNetwork> = {}): HostNetwork {
  return {
    kind: 'network',
    id,
    tag: tag(id),
    tenant: 'a',
    type: 'flat',
    segment: null,
    cidrs: ['10.77.1.0/24', 'fd77:1::/64'],
    dhcp: true,
    hasGateway: true,
    hooks: [],
    ...given,
  };
}
