import type { HostNetworkThing } from '@medusa/protocol';
import type { Backend, Host } from './backend.ts';
import { dnsmasqFolder, presentLinks } from './converge.ts';
import { runningDnsmasq } from './dnsmasq.ts';
import type { Journal, WantedNetwork, WantedPort } from './journal.ts';
import type { Link } from './links.ts';
import { aliasOf } from './names.ts';
import { gatewaysOf, readFilter } from './nftables.ts';
import { familyOf } from './rules.ts';

type Seen = {
  readonly present: ReadonlyMap<string, Link>;
  readonly attachments: ReadonlyMap<string, string>;
  readonly refused: ReadonlyMap<string, number>;
  readonly uplinkAddresses: readonly string[];
};

type Tools = { readonly host: Host; readonly backend: Backend; readonly seen: Seen };

/** What the journal wants, and whether the kernel and the switch have it. */
export async function observe(journal: Journal, host: Host, backend: Backend): Promise<HostNetworkThing[]> {
  const { uplink } = host.settings;
  const present = await presentLinks(host);
  const seen: Seen = {
    present,
    attachments: await backend.attachments(present),
    refused: (await readFilter(host.run, 'inet')).packets,
    uplinkAddresses: uplink !== null && present.has(uplink) ? await host.links.addresses(uplink) : [],
  };
  return [
    ...(await Promise.all(
      journal.networks.map(async (network) => networkThing(network, { host, backend, seen })),
    )),
    ...journal.ports.map((port) => portThing(port, journal, { host, backend, seen })),
    ...journal.groups.map((group): HostNetworkThing => ({
      ...headOf(group, ''),
      kind: 'group',
      rules: group.rules,
    })),
    ...journal.addresses.map((entry): HostNetworkThing => ({
      ...headOf(entry, placeFault(entry, seen, uplink)),
      kind: 'address',
      address: entry.address,
      assignedTo: entry.assignedTo,
    })),
  ];
}

async function networkThing(
  network: WantedNetwork,
  { host, backend, seen }: Tools,
): Promise<HostNetworkThing> {
  const device = backend.deviceOf(network.id);
  const isServed =
    gatewaysOf(network).length === 0 || (await runningDnsmasq(dnsmasqFolder(host, network.id))) !== undefined;
  const fault = deviceFault(seen.present, device, aliasOf('network', network.id));
  return {
    ...headOf(network, fault || (isServed ? '' : 'dnsmasq does not run')),
    kind: 'network',
    device,
    segment: network.segment,
    cidrs: network.cidrs,
    gateways: gatewaysOf(network),
  };
}

function portThing(
  port: WantedPort,
  { networks }: Journal,
  { host, backend, seen }: Tools,
): HostNetworkThing {
  const device = host.names.port(port.id);
  const network = networks.find(({ id }) => id === port.network);
  const isJoined = network && seen.attachments.get(device) === backend.attachmentOf(network);
  return {
    ...headOf(
      port,
      deviceFault(seen.present, device, aliasOf('port', port.id)) ||
        (isJoined ? '' : `${device} is not joined to ${port.network}`),
    ),
    kind: 'port',
    machine: port.machine,
    network: port.network,
    device,
    inside: port.attach.kind === 'netns' ? host.names.peer(port.id) : null,
    mac: port.mac,
    addresses: port.addresses,
    counters: countersOf(device, seen),
  };
}

/** What the host's device sends, the machine receives. */
function countersOf(
  device: string,
  { present, refused }: Seen,
): Extract<HostNetworkThing, { kind: 'port' }>['counters'] {
  const stats = present.get(device)?.stats64;
  return {
    received: stats?.tx.packets ?? 0,
    sent: stats?.rx.packets ?? 0,
    refused: refused.get(`refused-${device}`) ?? 0,
  };
}

function deviceFault(present: ReadonlyMap<string, Link>, device: string, alias: string): string {
  const link = present.get(device);
  if (!link) return `${device} is not there`;
  if (link.ifalias !== alias) return `${device} is not ours`;
  return link.flags.includes('UP') ? '' : `${device} is down`;
}

function placeFault(
  { address, assignedTo }: Journal['addresses'][number],
  { uplinkAddresses }: Seen,
  uplink: string | null,
): string {
  if (assignedTo === null) return '';
  if (uplink === null) return 'the host has no uplink to put it on';
  return uplinkAddresses.includes(`${address}/${familyOf(address) === 6 ? 128 : 32}`)
    ? ''
    : `it is not on ${uplink}`;
}

function headOf(
  {
    id,
    tag,
    createdAt,
    isRemoving,
  }: Journal['groups'][number] | WantedNetwork | WantedPort | Journal['addresses'][number],
  fault: string,
): Pick<HostNetworkThing, 'id' | 'tag' | 'createdAt' | 'state' | 'detail'> {
  const detail = isRemoving ? 'is being removed' : fault;
  return { id, tag, createdAt, state: detail === '' ? 'up' : 'degraded', detail };
}
