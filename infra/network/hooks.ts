import path from 'node:path';
import type { Host } from './backend.ts';
import { HostError } from '../host/host-error.ts';
import type { Journal, WantedNetwork } from './journal.ts';

/**
 * What a hook reads on its standard input, as one JSON document:
 * `{ "event": "network.applied" | "network.removed" | "port.applied" | "port.removed" | "address.assigned" | "address.unassigned",
 *    "network": {id, tenant, type, segment, cidrs, device}, "port"?: {id, machine, device, addresses}, "address"?: {id, address, machine} }`
 *
 * A network names its hooks (`hooks`), and they are programs of that name in `settings.hookDir`: load balancers, firewalls, VPN
 * gateways, intrusion detection join there. They are called one after the other when the network itself is done, within 30
 * seconds, as root. One that fails fails the command, and applying the same again calls it again: a hook must bear that.
 */
export type HookEvent = {
  readonly event:
    | 'network.applied'
    | 'network.removed'
    | 'port.applied'
    | 'port.removed'
    | 'address.assigned'
    | 'address.unassigned';
  readonly network: WantedNetwork;
  readonly port?: {
    readonly id: string;
    readonly machine: string;
    readonly device: string;
    readonly addresses: readonly string[];
  };
  readonly address?: { readonly id: string; readonly address: string; readonly machine: string | null };
};

/** What the command's things are to those who listen. `before` still holds what is gone. */
export function eventsOf(
  before: Journal,
  touched: readonly { readonly kind: string; readonly id: string }[],
  { names }: Pick<Host, 'names'>,
): HookEvent[] {
  const networkOf = (id: string | undefined): WantedNetwork[] =>
    before.networks.filter((network) => network.id === id);
  return touched.flatMap(({ kind, id }): HookEvent[] => {
    if (kind === 'network')
      return networkOf(id).map((network) => ({
        event: network.isRemoving ? 'network.removed' : 'network.applied',
        network,
      }));
    if (kind === 'port')
      return before.ports
        .filter((port) => port.id === id)
        .flatMap(({ machine, network, addresses, isRemoving }) =>
          networkOf(network).map((of): HookEvent => ({
            event: isRemoving ? 'port.removed' : 'port.applied',
            network: of,
            port: { id, machine, device: names.port(id), addresses },
          })),
        );
    if (kind !== 'address') return [];
    return before.addresses
      .filter((entry) => entry.id === id)
      .flatMap(({ address, assignedTo, isRemoving }) => {
        const port = before.ports.find(({ machine }) => machine === assignedTo);
        return networkOf(port?.network).map((network): HookEvent => ({
          event: isRemoving ? 'address.unassigned' : 'address.assigned',
          network,
          address: { id, address, machine: assignedTo },
        }));
      });
  });
}

export async function callHooks(
  host: Host,
  device: (network: string) => string,
  events: readonly HookEvent[],
): Promise<void> {
  const { hookDir } = host.settings;
  for (const { event, network, port, address } of events) {
    if (network.hooks.length > 0 && hookDir === null)
      throw new HostError(
        'invalid',
        `The network ${network.id} names hooks, but the host has no folder of them`,
      );
    const { id, tenant, type, segment, cidrs } = network;
    const input = JSON.stringify({
      event,
      network: { id, tenant, type, segment, cidrs, device: device(id) },
      port,
      address,
    });
    for (const name of network.hooks) await host.run(path.join(hookDir ?? '', name), [], { input });
  }
}
