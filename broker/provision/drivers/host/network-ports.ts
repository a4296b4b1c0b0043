import { createHash } from 'node:crypto';
import { hostNetworkThingSchema, type HostNetworkCommand, type HostNetworkThing } from '@medusa/protocol';
import { chooseCidrs } from '../../addresses/index.ts';
import {
  ProviderError,
  type Address,
  type AddressPort,
  type Item,
  type MachineRequest,
  type Network,
  type NetworkPort,
  type Operation,
  type OwnerTag,
  type SecurityGroup,
  type SecurityGroupPort,
} from '../../port/index.ts';
import { askProgram, type Execute } from './programs.ts';
import type { HostNetworking } from './settings.ts';

type Kind = HostNetworkThing['kind'];
type Of<K extends Kind> = Extract<HostNetworkThing, { kind: K }>;
type Command = HostNetworkCommand extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'settings'>
    : never
  : never;

/** Where a machine's process is started so that it is on its networks. */
type Placement = {
  /** Program and arguments that go before the machine's own; none when it uses the host's network. */
  readonly prefix: readonly string[];
  readonly addresses: readonly string[];
};

export type HostNetworkPorts = {
  readonly networks: NetworkPort;
  readonly addresses: AddressPort;
  readonly securityGroups: SecurityGroupPort;
  /** Before a machine is started: its ports. Safe to do again. */
  place(
    machineRef: string,
    request: MachineRequest,
    by: { tag: OwnerTag; operation: Operation },
  ): Promise<Placement>;
  /** When a machine is gone: its ports, and floating addresses that pointed to it. */
  displace(machineRef: string, operation: Operation): Promise<void>;
};

/** Networks, floating addresses and security groups of a plain host, by its network program. */
export function openNetworkPorts(
  execute: Execute,
  { program, addressPools, hooks, ...settings }: HostNetworking,
  hasMachine: (ref: string, signal: AbortSignal) => Promise<boolean>,
): HostNetworkPorts {
  const tell = async (command: Command, signal: AbortSignal): Promise<HostNetworkThing[]> => {
    const full = { ...command, settings };
    const things = await askProgram(execute, program, { command: full, signal });
    return things.map((thing) => hostNetworkThingSchema.parse(thing));
  };
  const all = async <K extends Kind>(kind: K, owner: string | null, signal: AbortSignal): Promise<Of<K>[]> =>
    (await tell({ do: 'list', owner }, signal)).filter((thing): thing is Of<K> => thing.kind === kind);
  const find = async <K extends Kind>(
    kind: K,
    ref: string,
    signal: AbortSignal,
  ): Promise<Of<K> | undefined> => (await all(kind, null, signal)).find(({ id }) => id === ref);
  const apply = async <K extends Kind>(
    thing: Extract<Extract<Command, { do: 'apply' }>['things'][number], { kind: K }>,
    signal: AbortSignal,
  ): Promise<Of<K>> => {
    const [made] = await tell({ do: 'apply', things: [thing] }, signal);
    if (made?.kind !== thing.kind)
      throw new ProviderError('unknown-outcome', `${thing.id} was not told back`);
    return made as Of<K>;
  };
  const remove =
    (kind: Kind) =>
    async (ref: string, { signal }: Operation): Promise<void> => {
      await tell({ do: 'remove', things: [{ kind, id: ref }] }, signal);
    };

  return {
    networks: {
      async create(spec, tag, name, { signal }) {
        const known = await all('network', null, signal);
        const held = known.find(({ id }) => id === name);
        const cidrs = spec.cidrs ?? held?.cidrs ?? chooseCidrs(known.flatMap((network) => network.cidrs));
        const { tenant, type, segment, dhcp, hasGateway } = spec;
        return toNetwork(
          await apply(
            { kind: 'network', id: name, tag, tenant, type, segment, cidrs, dhcp, hasGateway, hooks },
            signal,
          ),
        );
      },
      get: async (ref, signal) => mapped(await find('network', ref, signal), toNetwork),
      list: async (owner, signal) => (await all('network', owner, signal)).map(toNetwork),
      destroy: remove('network'),
    },

    addresses: {
      async create({ from }, tag, name, { signal }) {
        const pool = from === null ? Object.values(addressPools)[0] : addressPools[from];
        if (!pool) throw new ProviderError('invalid', `There is no address pool ${from ?? 'on this host'}`);
        return toAddress(
          await apply({ kind: 'address', id: name, tag, pool, failover: [], probePort: null }, signal),
        );
      },
      get: async (ref, signal) => mapped(await find('address', ref, signal), toAddress),
      list: async (owner, signal) => (await all('address', owner, signal)).map(toAddress),
      destroy: remove('address'),
      async assign(ref, machineRef, { signal }) {
        if (!(await hasMachine(machineRef, signal)))
          throw new ProviderError('not-found', `There is no machine ${machineRef}`);
        await tell({ do: 'assign', address: ref, machine: machineRef }, signal);
      },
      async unassign(ref, { signal }) {
        await tell({ do: 'assign', address: ref, machine: null }, signal);
      },
    },

    securityGroups: {
      create: async ({ rules }, tag, name, { signal }) =>
        toGroup(await apply({ kind: 'group', id: name, tag, rules: [...rules] }, signal)),
      get: async (ref, signal) => mapped(await find('group', ref, signal), toGroup),
      list: async (owner, signal) => (await all('group', owner, signal)).map(toGroup),
      destroy: remove('group'),
    },

    async place(machineRef, { networkRefs, securityGroupRefs }, { tag, operation }) {
      if (networkRefs.length === 0) {
        // A process on the host's own network shares its addresses: there is nothing a group could guard.
        if (securityGroupRefs.length > 0)
          throw new ProviderError('invalid', 'Security groups guard machines that are on a network of ours');
        return { prefix: [], addresses: [] };
      }
      const hash = createHash('sha256')
        .update(`${settings.stateDir}\0${machineRef}`)
        .digest('hex')
        .slice(0, 16);
      const namespace = `medusa-${hash}`;
      const things = networkRefs.map((network, index) => ({
        ...{
          kind: 'port' as const,
          id: `${hash}-${index}`,
          tag,
          machine: machineRef,
          network,
          addresses: null,
        },
        groups: [...securityGroupRefs],
        attach: { kind: 'netns' as const, namespace, isConfigured: true },
      }));
      const made = await tell({ do: 'apply', things }, operation.signal);
      return {
        prefix: ['/usr/sbin/ip', 'netns', 'exec', namespace],
        addresses: made.flatMap((thing) => (thing.kind === 'port' ? thing.addresses : [])),
      };
    },

    async displace(machineRef, { signal }) {
      const things = await tell({ do: 'list', owner: null }, signal);
      for (const thing of things)
        if (thing.kind === 'address' && thing.assignedTo === machineRef)
          await tell({ do: 'assign', address: thing.id, machine: null }, signal);
      const ports = things.filter((thing) => thing.kind === 'port' && thing.machine === machineRef);
      if (ports.length > 0)
        await tell({ do: 'remove', things: ports.map(({ kind, id }) => ({ kind, id })) }, signal);
    },
  };
}

function mapped<From, To>(value: From | undefined, map: (value: From) => To): To | undefined {
  return value === undefined ? undefined : map(value);
}

function itemOf({ id, tag, state, detail, createdAt }: HostNetworkThing): Item {
  return {
    ...{ ref: id, name: id, tag, detail },
    state: state === 'up' ? 'running' : 'error',
    createdAt: new Date(createdAt),
  };
}

function toNetwork(thing: Of<'network'>): Network {
  return { ...itemOf(thing), cidrs: thing.cidrs, segment: thing.segment };
}

function toAddress(thing: Of<'address'>): Address {
  return { ...itemOf(thing), address: thing.address, assignedTo: thing.assignedTo };
}

function toGroup(thing: Of<'group'>): SecurityGroup {
  return { ...itemOf(thing), rules: thing.rules };
}
