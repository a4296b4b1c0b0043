import type { NetworkSpec } from '@medusa/protocol';
import { z } from 'zod';
import { chooseCidrs } from '../../addresses/index.ts';
import { ProviderError, type Network, type NetworkPort, type OwnerTag } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';
import { findExternalNetwork } from './names.ts';
import { undoing, whenReady } from './parts.ts';
import type { OpenstackSettings } from './settings.ts';
import { describedBy, descriptionOf } from './tags.ts';

const networkSchema = z.object({
  id: z.string(),
  description: z.string().nullish(),
  status: z.string(),
  created_at: z.coerce.date().optional(),
  /** Only administrators are told. */
  'provider:segmentation_id': z.int().nullish(),
});
type NeutronNetwork = z.infer<typeof networkSchema>;
const subnetSchema = z.object({ id: z.string(), name: z.string(), network_id: z.string(), cidr: z.string() });
const portSchema = z.object({
  id: z.string(),
  network_id: z.string(),
  device_id: z.string(),
  device_owner: z.string(),
});
const routerSchema = z.object({ id: z.string(), description: z.string().nullish() });

/** A router's port has this owner; one of a distributed or doubled router has it with more words. */
const isInterface = ({ device_owner }: { device_owner: string }): boolean =>
  /^network:(router_interface|ha_router_replicated_interface)/.test(device_owner);
const isMachine = ({ device_owner }: { device_owner: string }): boolean =>
  /^(compute|baremetal):/.test(device_owner);

const undoMs = 60_000;

/**
 * Networks of Neutron: the network, a subnet for each range, and a router when it has a gateway. The network is made first and removed
 * last, so that its parts are always found by it.
 */
export function neutronNetworks(cloud: Cloud, settings: OpenstackSettings, now: () => Date): NetworkPort {
  const neutron = cloud.service('network');

  const subnetsOf = async (networkId: string | undefined, signal: AbortSignal) =>
    neutron.list(
      { path: '/subnets', key: 'subnets', query: { network_id: networkId }, signal },
      subnetSchema,
    );
  const portsOf = async (networkId: string | undefined, signal: AbortSignal) =>
    neutron.list(
      {
        path: '/ports',
        key: 'ports',
        query: {
          network_id: networkId,
          fields: ['id', 'network_id', 'device_id', 'device_owner'],
        },
        signal,
      },
      portSchema,
    );

  const toNetwork = (
    network: NeutronNetwork,
    subnets: readonly z.infer<typeof subnetSchema>[],
    ports: readonly z.infer<typeof portSchema>[],
  ): Network | undefined => {
    const described = describedBy(network.description);
    if (!described) return undefined;
    const isHere = ({ network_id }: { network_id: string }): boolean => network_id === network.id;
    const own = subnets.filter(isHere).toSorted((a, b) => a.name.localeCompare(b.name));
    const count = own.length + ports.filter(isHere).filter(isInterface).length;
    const createdAt = network.created_at ?? null;
    const life = whenReady(count >= described.parts, {
      createdAt,
      now: now(),
      why: `${count} of ${described.parts} subnets and router interfaces`,
    });
    return {
      ref: network.id,
      name: described.name,
      tag: described.tag,
      ...(network.status === 'ERROR' ? { state: 'error' } : life),
      detail: life.detail === '' ? network.status : life.detail,
      createdAt,
      cidrs: own.map(({ cidr }) => cidr),
      segment: network['provider:segmentation_id'] ?? null,
    };
  };

  /** A router is made for one network and has its name and tag. */
  const routersOf = async (name: string, tag: OwnerTag, signal: AbortSignal): Promise<readonly string[]> => {
    const all = await neutron.list(
      { path: '/routers', key: 'routers', query: { name }, signal },
      routerSchema,
    );
    const wanted = descriptionOf(name, tag);
    return all.filter(({ description }) => description === wanted).map(({ id }) => id);
  };

  const removeAll = async (
    { ref, name, tag }: { ref: string; name: string; tag: OwnerTag },
    signal: AbortSignal,
  ): Promise<void> => {
    const ports = await portsOf(ref, signal);
    // Neutron refuses this at the end; then the router would be gone already.
    const machine = ports.find(isMachine);
    if (machine) throw new ProviderError('conflict', `${machine.device_id} is still on the network`);
    for (const router of await routersOf(name, tag, signal)) {
      for (const { id } of ports.filter((port) => isInterface(port) && port.device_id === router)) {
        const path = `/routers/${router}/remove_router_interface`;
        await neutron.tell({ method: 'PUT', path, body: { port_id: id }, signal });
      }
      await neutron.remove(`/routers/${router}`, signal);
    }
    await neutron.remove(`/networks/${encodeURIComponent(ref)}`, signal);
  };

  const addSubnets = async (
    { id, name, spec, cidrs }: { id: string; name: string; spec: NetworkSpec; cidrs: readonly string[] },
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const subnets = cidrs.map((cidr, index) =>
      subnetBody(spec, { networkId: id, name: `${name}-${index}`, cidr }),
    );
    const made = await neutron.ask(
      { method: 'POST', path: '/subnets', body: { subnets }, signal },
      z.object({ subnets: z.array(subnetSchema) }),
    );
    return made.subnets.map((subnet) => subnet.id);
  };

  const addRouter = async (
    { name, tag, subnetIds }: { name: string; tag: OwnerTag; subnetIds: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> => {
    const external = await findExternalNetwork(cloud, settings.externalNetwork, signal);
    const router = {
      name,
      description: descriptionOf(name, tag),
      external_gateway_info: { network_id: external },
    };
    const made = await neutron.ask(
      { method: 'POST', path: '/routers', body: { router }, signal },
      z.object({ router: z.object({ id: z.string() }) }),
    );
    for (const subnet_id of subnetIds) {
      const path = `/routers/${made.router.id}/add_router_interface`;
      await neutron.tell({ method: 'PUT', path, body: { subnet_id }, signal });
    }
  };

  return {
    async create(spec, tag, name, { signal }) {
      const cidrs = spec.cidrs ?? chooseCidrs((await subnetsOf(undefined, signal)).map(({ cidr }) => cidr));
      const parts = cidrs.length * (spec.hasGateway ? 2 : 1);
      const description = descriptionOf(name, tag, parts);
      const network = { name, description, ...providerAttributes(spec, settings) };
      const made = await neutron.ask(
        { method: 'POST', path: '/networks', body: { network }, signal },
        z.object({ network: networkSchema }),
      );
      const { id } = made.network;
      const undo = async (): Promise<void> => removeAll({ ref: id, name, tag }, AbortSignal.timeout(undoMs));
      await undoing(undo, async () => {
        const subnetIds = cidrs.length > 0 ? await addSubnets({ id, name, spec, cidrs }, signal) : [];
        if (spec.hasGateway) await addRouter({ name, tag, subnetIds }, signal);
      });
      return {
        ref: id,
        name,
        tag,
        state: 'running',
        detail: made.network.status,
        createdAt: made.network.created_at ?? null,
        cidrs,
        segment: made.network['provider:segmentation_id'] ?? null,
      };
    },

    async get(ref, signal) {
      const path = `/networks/${encodeURIComponent(ref)}`;
      const found = await neutron.find(path, z.object({ network: networkSchema }), signal);
      if (!found) return undefined;
      const [subnets, ports] = await Promise.all([subnetsOf(ref, signal), portsOf(ref, signal)]);
      return toNetwork(found.network, subnets, ports);
    },

    async list(owner, signal) {
      const [all, subnets, ports] = await Promise.all([
        neutron.list({ path: '/networks', key: 'networks', signal }, networkSchema),
        subnetsOf(undefined, signal),
        portsOf(undefined, signal),
      ]);
      return all
        .flatMap((network) => toNetwork(network, subnets, ports) ?? [])
        .filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      const path = `/networks/${encodeURIComponent(ref)}`;
      const found = await neutron.find(path, z.object({ network: networkSchema }), signal);
      if (!found) return;
      const described = describedBy(found.network.description);
      if (!described) throw new ProviderError('conflict', `The network ${ref} is none of ours`);
      await removeAll({ ref, name: described.name, tag: described.tag }, signal);
    },
  };
}

/** The kind of a network and its number are for the cloud's administrators; others get what the cloud makes for tenants. */
function providerAttributes(
  { type, segment }: NetworkSpec,
  { physicalNetwork }: OpenstackSettings,
): Readonly<Record<string, unknown>> {
  if (type === 'vxlan' && segment === null) return {};
  if (type !== 'vxlan' && physicalNetwork === null)
    throw new ProviderError('invalid', `A ${type} network needs the setting physicalNetwork`);
  return {
    'provider:network_type': type,
    ...(type !== 'vxlan' && { 'provider:physical_network': physicalNetwork }),
    ...(segment !== null && { 'provider:segmentation_id': segment }),
  };
}

function subnetBody(
  { dhcp, hasGateway }: NetworkSpec,
  { networkId, name, cidr }: { networkId: string; name: string; cidr: string },
): object {
  const isV6 = cidr.includes(':');
  return {
    network_id: networkId,
    name,
    cidr,
    ip_version: isV6 ? 6 : 4,
    enable_dhcp: dhcp,
    ...(isV6 && dhcp && { ipv6_ra_mode: 'dhcpv6-stateful', ipv6_address_mode: 'dhcpv6-stateful' }),
    ...(!hasGateway && { gateway_ip: null }),
  };
}
