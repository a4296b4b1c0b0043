import { AppError, networkSpecSchema, parseInput, type ProviderView } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import type { Instance, NewInstance, OcciBackend } from '../backend.ts';
import {
  identifierOf,
  ipNetworkInterfaceMixin,
  ipNetworkMixin,
  networkInterfaceKind,
  networkKind,
  computeKind,
} from '../model/index.ts';
import { chooseProvider } from './choose.ts';
import type { Offers } from './offers.ts';
import {
  adminOnly,
  attributesFrom,
  byOf,
  conditionOf,
  findWanted,
  messageOf,
  ownMachines,
  providerPart,
  refuseChanges,
  resourceIdOf,
  wantedOf,
  type ResourceDeps,
  type ViewOf,
} from './resources.ts';

/** Networks of every provider. The label is the tenant whose machines share them. */
export function networkBackend(deps: ResourceDeps & { readonly offers: Offers }): OcciBackend {
  const { provisioning, offers, newId } = deps;
  return {
    // No provider can take a network down and up again.
    ...{ kind: networkKind, access: adminOnly, actions: [], takesIds: true, linksAtBirth: [] },
    list: async () => (await wantedOf(deps, 'network')).map(toInstance),
    async get(id) {
      const view = await findWanted(deps, 'network', id);
      return view && toInstance(view);
    },
    async create(wanted, by) {
      const id = resourceIdOf(wanted.id ?? newId());
      const provider = chooseProvider(await offers(), wanted, 'networks');
      await provisioning.create({ id, provider: provider.id, spec: specOf(wanted, provider) }, byOf(by));
      const view = await findWanted(deps, 'network', id);
      if (!view) throw new AppError('resource.unknown', 'There is no such instance');
      return toInstance(view);
    },
    update: async (_id, changes) => refuseChanges(changes),
    async delete(id, by) {
      await provisioning.act(resourceIdOf(id), { action: 'destroy' }, byOf(by));
    },
  };
}

/** Without a VLAN it is what the provider makes for tenants, which OpenStack calls a VXLAN of its own choice. */
function specOf({ attributes }: NewInstance, { kind }: ProviderView): ViewOf<'network'>['spec'] {
  if (attributes.has('occi.network.gateway'))
    throw new AppError('request.invalid', 'occi.network.gateway is the provider to choose');
  const vlan = attributes.get('occi.network.vlan');
  const address = attributes.get('occi.network.address');
  return parseInput(networkSpecSchema, {
    ...{ kind: 'network', tenant: attributes.get('occi.network.label') ?? 'occi' },
    ...(vlan === undefined
      ? { type: kind === 'openstack' ? 'vxlan' : 'flat' }
      : { type: 'vlan', segment: vlan }),
    cidrs: address === undefined ? null : [networkOf(String(address))],
    dhcp: attributes.get('occi.network.allocation') !== 'static',
  });
}

/** `192.168.0.1/24`, an address in its network, means `192.168.0.0/24`. */
function networkOf(cidr: string): string {
  try {
    const [address, bits] = ipaddr.parseCIDR(cidr);
    const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
    return `${family.networkAddressFromCIDR(cidr).toString()}/${bits}`;
  } catch (cause) {
    throw new AppError('request.invalid', 'occi.network.address is a network in CIDR notation', { cause });
  }
}

function toInstance(view: ViewOf<'network'>): Instance {
  const { tenant, segment, type, cidrs, dhcp } = view.spec;
  const { mixin, attribute } = providerPart(view);
  const condition = conditionOf(view);
  const states = { serving: 'active', broken: 'error', 'under way': 'inactive' };
  return {
    id: view.id,
    mixins: [mixin, identifierOf(ipNetworkMixin)],
    attributes: attributesFrom([
      ['occi.core.title', view.id],
      ['occi.network.label', tenant],
      ['occi.network.vlan', type === 'vlan' ? segment : null],
      ['occi.network.state', states[condition]],
      ['occi.network.state.message', messageOf(view)],
      ['occi.network.address', cidrs?.[0]],
      ['occi.network.allocation', dhcp ? 'dynamic' : 'static'],
      attribute,
    ]),
    actions: [],
  };
}

/** Which machine is in which of our networks. It is so from the machine's first moment to its last. */
export function networkInterfaceBackend(deps: Pick<ResourceDeps, 'provisioning'>): OcciBackend {
  const list = async (): Promise<readonly Instance[]> => (await ownMachines(deps)).flatMap(interfacesOf);
  return {
    ...{ kind: networkInterfaceKind, access: adminOnly, actions: [], takesIds: false, linksAtBirth: [] },
    list,
    get: async (id) => (await list()).find((one) => one.id === id),
  };
}

/** Networks of the provider's own are `ref:…`: those are no instances. */
function interfacesOf(view: ViewOf<'machine'>): Instance[] {
  const { networks } = view.spec;
  return networks.flatMap((network, index) => {
    if (network.startsWith('ref:')) return [];
    // With one network there is no doubt whose address it is.
    const address = networks.length === 1 ? view.addresses[0] : undefined;
    return [
      {
        id: `${view.id}.${network}`,
        mixins: address === undefined ? [] : [identifierOf(ipNetworkInterfaceMixin)],
        attributes: attributesFrom([
          ['occi.core.source', `${computeKind.location ?? ''}${view.id}`],
          ['occi.core.target', `${networkKind.location ?? ''}${network}`],
          ['occi.networkinterface.interface', `eth${index}`],
          ['occi.networkinterface.state', conditionOf(view) === 'serving' ? 'active' : 'inactive'],
          ['occi.networkinterface.address', address],
        ]),
        actions: [],
      },
    ];
  });
}
