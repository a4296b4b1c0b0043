import { isDeepStrictEqual } from 'node:util';
import { chooseAddress, cidrsOverlap, gatewayOf, isWithin } from '@medusa/broker/provision/addresses';
import type {
  HostAddress,
  HostGroup,
  HostNetwork,
  HostNetworkCommand,
  HostPort,
  HostTag,
} from '@medusa/protocol';
import { HostError } from '../host/host-error.ts';
import type { Journal } from './journal.ts';
import type { DeviceNames } from './names.ts';

type Change = { readonly now: string; readonly names: DeviceNames };
type Wanted = HostNetwork | HostPort | HostGroup | HostAddress;

/** What the journal says after a command; pure. @throws HostError when the command contradicts what is wanted already. */
export function applied(journal: Journal, things: readonly Wanted[], change: Change): Journal {
  return things.reduce((before, thing) => {
    switch (thing.kind) {
      case 'network':
        return withNetwork(before, thing, change);
      case 'port':
        return withPort(before, thing, change);
      case 'group':
        return withGroup(before, thing, change);
      case 'address':
        return withAddress(before, thing, change);
    }
  }, journal);
}

/** Unknown ids are gone already. */
export function removed(
  journal: Journal,
  things: Extract<HostNetworkCommand, { do: 'remove' }>['things'],
): Journal {
  const isNamed = (kind: string, id: string): boolean =>
    things.some((thing) => thing.kind === kind && thing.id === id);
  const mark =
    (kind: string) =>
    <Entry extends { readonly id: string; readonly isRemoving: boolean }>(entry: Entry): Entry =>
      isNamed(kind, entry.id) ? { ...entry, isRemoving: true } : entry;
  const after: Journal = {
    ...journal,
    networks: journal.networks.map(mark('network')),
    ports: journal.ports.map(mark('port')),
    groups: journal.groups.map(mark('group')),
    addresses: journal.addresses.map(mark('address')),
  };
  for (const { id, isRemoving } of after.networks) {
    const user = after.ports.find((port) => port.network === id && !port.isRemoving);
    if (isRemoving && user)
      throw new HostError('conflict', `The network ${id} still has the port ${user.id}`);
  }
  for (const { id, isRemoving } of after.groups) {
    const user = after.ports.find((port) => port.groups.includes(id) && !port.isRemoving);
    if (isRemoving && user)
      throw new HostError('conflict', `The group ${id} is still used by the port ${user.id}`);
  }
  return after;
}

export function assigned(journal: Journal, id: string, machine: string | null): Journal {
  const address = journal.addresses.find((entry) => entry.id === id && !entry.isRemoving);
  if (!address) throw new HostError('not-found', `There is no address ${id}`);
  return {
    ...journal,
    addresses: journal.addresses.map((entry) =>
      entry === address ? { ...entry, assignedTo: machine } : entry,
    ),
  };
}

/** Without what was to go and is gone. */
export function swept(journal: Journal): Journal {
  const stays = ({ isRemoving }: { isRemoving: boolean }): boolean => !isRemoving;
  return {
    ...journal,
    networks: journal.networks.filter(stays),
    ports: journal.ports.filter(stays),
    groups: journal.groups.filter(stays),
    addresses: journal.addresses.filter(stays),
  };
}

function withNetwork(journal: Journal, wanted: HostNetwork, { now }: Change): Journal {
  const held = heldOf(journal.networks, wanted);
  if (held) {
    demandSame(held, { ...wanted, segment: wanted.segment ?? held.segment });
    return journal;
  }
  const segment = wanted.segment ?? chooseSegment(journal, wanted);
  demandFree(journal, { ...wanted, segment });
  const localVlan = chooseLocalVlan(journal, { ...wanted, segment });
  return {
    ...journal,
    networks: [...journal.networks, { ...wanted, segment, isRemoving: false, createdAt: now, localVlan }],
  };
}

/** VXLAN numbers are ours to choose; VLAN numbers belong to whoever runs the switches. */
function chooseSegment(journal: Journal, { type }: HostNetwork): number | null {
  if (type !== 'vxlan') return null;
  const used = new Set(
    journal.networks.filter((network) => network.type === type).map(({ segment }) => segment),
  );
  let segment = 1;
  while (used.has(segment)) segment++;
  return segment;
}

function demandFree(journal: Journal, { type, segment, cidrs }: HostNetwork): void {
  if (type !== 'flat' && segment === null)
    throw new HostError('invalid', `A ${type} network needs a segment`);
  if (type === 'vlan' && (segment ?? 0) > 4_094)
    throw new HostError('invalid', 'IEEE 802.1Q ends at VLAN 4094');
  for (const other of journal.networks) demandApart(other, { type, segment, cidrs });
}

function demandApart(
  other: HostNetwork,
  { type, segment, cidrs }: Pick<HostNetwork, 'type' | 'segment' | 'cidrs'>,
): void {
  const cidr = cidrs.find((mine) => other.cidrs.some((theirs) => cidrsOverlap(mine, theirs)));
  if (cidr !== undefined)
    throw new HostError('conflict', `${cidr} overlaps with ${other.cidrs.join(', ')} of ${other.id}`);
  if (type !== 'flat' && other.type === type && other.segment === segment)
    throw new HostError('conflict', `The ${type} segment ${String(segment)} is ${other.id}'s`);
}

/** VLAN networks keep their number, so that the trunk's frames need no translation; the others take from the top. */
function chooseLocalVlan(journal: Journal, { type, segment }: HostNetwork): number {
  const used = new Set(journal.networks.map((network) => network.localVlan));
  if (type === 'vlan' && segment !== null) {
    if (segment > 4_094) throw new HostError('invalid', 'IEEE 802.1Q ends at VLAN 4094');
    if (used.has(segment)) throw new HostError('conflict', `VLAN ${segment} is in use inside this host`);
    return segment;
  }
  for (let vlan = 4_094; vlan > 0; vlan--) if (!used.has(vlan)) return vlan;
  throw new HostError('capacity', 'A host has room for 4094 networks');
}

function withPort(journal: Journal, wanted: HostPort, { now, names }: Change): Journal {
  const held = heldOf(journal.ports, wanted);
  if (held) {
    const newGroups = wanted.groups;
    demandSame(held, { ...wanted, groups: held.groups, addresses: wanted.addresses ?? held.addresses });
    demandGroups(journal, newGroups);
    // Groups may change while the port is in use.
    return {
      ...journal,
      ports: journal.ports.map((port) => (port === held ? { ...held, groups: newGroups } : port)),
    };
  }
  const network = journal.networks.find(({ id, isRemoving }) => id === wanted.network && !isRemoving);
  if (!network) throw new HostError('not-found', `There is no network ${wanted.network}`);
  demandGroups(journal, wanted.groups);
  const taken = [
    ...journal.ports.filter((port) => port.network === network.id).flatMap((port) => port.addresses),
    ...network.cidrs.map(gatewayOf),
  ];
  const addresses = wanted.addresses ?? network.cidrs.map((cidr) => chooseAddress([cidr], taken));
  for (const address of wanted.addresses ?? []) {
    if (!network.cidrs.some((cidr) => isWithin(address, cidr)))
      throw new HostError('invalid', `${address} is not of the network ${network.id}`);
    if (taken.includes(address)) throw new HostError('conflict', `${address} is taken`);
  }
  const port = {
    ...wanted,
    addresses,
    mac: names.mac(wanted.id),
    madeNamespace: false,
    isRemoving: false,
    createdAt: now,
  };
  return { ...journal, ports: [...journal.ports, port] };
}

function demandGroups(journal: Journal, groups: readonly string[]): void {
  const missing = groups.find((id) => !journal.groups.some((group) => group.id === id && !group.isRemoving));
  if (missing !== undefined) throw new HostError('not-found', `There is no group ${missing}`);
}

function withGroup(journal: Journal, wanted: HostGroup, { now }: Change): Journal {
  const held = heldOf(journal.groups, wanted);
  if (!held)
    return { ...journal, groups: [...journal.groups, { ...wanted, isRemoving: false, createdAt: now }] };
  return {
    ...journal,
    groups: journal.groups.map((group) => (group === held ? { ...held, rules: wanted.rules } : group)),
  };
}

function withAddress(journal: Journal, wanted: HostAddress, { now }: Change): Journal {
  const held = heldOf(journal.addresses, wanted);
  if (held)
    return {
      ...journal,
      addresses: journal.addresses.map((entry) =>
        entry === held ? { ...held, failover: wanted.failover } : entry,
      ),
    };
  const address = chooseAddress(
    wanted.pool,
    journal.addresses.map((entry) => entry.address),
  );
  const entry = { ...wanted, address, assignedTo: null, isRemoving: false, createdAt: now };
  return { ...journal, addresses: [...journal.addresses, entry] };
}

/** What has that id; it must be the same owner's, and not on its way out. */
function heldOf<Entry extends { readonly id: string; readonly tag: HostTag; readonly isRemoving: boolean }>(
  entries: readonly Entry[],
  wanted: { readonly id: string; readonly tag: HostTag },
): Entry | undefined {
  const held = entries.find(({ id }) => id === wanted.id);
  if (held?.isRemoving) throw new HostError('conflict', `${wanted.id} is being removed`);
  if (held && !isDeepStrictEqual(held.tag, wanted.tag))
    throw new HostError('conflict', `${wanted.id} is ${held.tag.owner}'s ${held.tag.resource}`);
  return held;
}

/** What is there may know more than what is wanted. */
function demandSame(held: HostNetwork | HostPort, wanted: HostNetwork | HostPort): void {
  const known: Readonly<Record<string, unknown>> = held;
  for (const [name, value] of Object.entries(wanted))
    if (!isDeepStrictEqual(known[name], value))
      throw new HostError('conflict', `${wanted.id} is there already, and different`);
}
