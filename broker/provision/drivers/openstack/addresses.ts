import { z } from 'zod';
import { isProviderFault, ProviderError, type Address, type AddressPort } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';
import { findExternalNetwork } from './names.ts';
import type { OpenstackSettings } from './settings.ts';
import { describedBy, descriptionOf } from './tags.ts';

const floatingSchema = z.object({
  id: z.string(),
  description: z.string().nullish(),
  status: z.string().nullish(),
  floating_ip_address: z.string(),
  port_id: z.string().nullable(),
  created_at: z.coerce.date().optional(),
});
type Floating = z.infer<typeof floatingSchema>;
const oneFloatingSchema = z.object({ floatingip: floatingSchema });
const portSchema = z.object({ id: z.string(), device_id: z.string() });

/** Floating addresses of Neutron. One PUT moves one: there is no moment in which nobody has it for want of a second call. */
export function neutronAddresses(cloud: Cloud, settings: OpenstackSettings): AddressPort {
  const network = cloud.service('network');

  const portsOf = async (machineRef: string | undefined, signal: AbortSignal) =>
    network.list(
      { path: '/ports', key: 'ports', query: { device_id: machineRef, fields: ['id', 'device_id'] }, signal },
      portSchema,
    );

  const toAddress = (floating: Floating, machineOf: ReadonlyMap<string, string>): Address | undefined => {
    const described = describedBy(floating.description);
    const { port_id: port, status } = floating;
    return (
      described && {
        ref: floating.id,
        name: described.name,
        tag: described.tag,
        // DOWN is what an address is while nobody has it.
        state: status === 'ERROR' ? 'error' : 'running',
        detail: status ?? '',
        createdAt: floating.created_at ?? null,
        address: floating.floating_ip_address,
        assignedTo: port === null ? null : (machineOf.get(port) ?? null),
      }
    );
  };

  const setPort = async (ref: string, portId: string | null, signal: AbortSignal): Promise<void> =>
    network.tell({
      method: 'PUT',
      path: `/floatingips/${encodeURIComponent(ref)}`,
      body: { floatingip: { port_id: portId } },
      signal,
    });

  return {
    async create({ from }, tag, name, { signal }) {
      const floatingip = {
        floating_network_id: await findExternalNetwork(cloud, from ?? settings.externalNetwork, signal),
        description: descriptionOf(name, tag),
      };
      const made = await network.ask(
        { method: 'POST', path: '/floatingips', body: { floatingip }, signal },
        oneFloatingSchema,
      );
      const address = toAddress(made.floatingip, new Map());
      if (!address)
        throw new ProviderError('unknown-outcome', 'The address lacks the description it was given');
      return address;
    },

    async get(ref, signal) {
      const path = `/floatingips/${encodeURIComponent(ref)}`;
      const found = await network.find(path, oneFloatingSchema, signal);
      if (!found) return undefined;
      const { port_id: port } = found.floatingip;
      const held =
        port === null
          ? undefined
          : await network.find(`/ports/${port}`, z.object({ port: portSchema }), signal);
      return toAddress(found.floatingip, new Map(held && [[held.port.id, held.port.device_id]]));
    },

    async list(owner, signal) {
      const all = await network.list({ path: '/floatingips', key: 'floatingips', signal }, floatingSchema);
      const isAnyHeld = all.some(({ port_id: port }) => port !== null);
      const ports = isAnyHeld ? await portsOf(undefined, signal) : [];
      const machineOf = new Map(ports.map((port) => [port.id, port.device_id]));
      return all
        .flatMap((floating) => toAddress(floating, machineOf) ?? [])
        .filter(({ tag }) => tag.owner === owner);
    },

    destroy: async (ref, { signal }) => network.remove(`/floatingips/${encodeURIComponent(ref)}`, signal),

    async assign(ref, machineRef, { signal }) {
      const ports = await portsOf(machineRef, signal);
      let refusal = new ProviderError('conflict', `${machineRef} has no port yet`);
      // Not every network of a machine has a router to where the address comes from: Neutron knows, and says 404.
      for (const { id } of ports)
        try {
          await setPort(ref, id, signal);
          return;
        } catch (error) {
          if (!isProviderFault(error, 'not-found', 'invalid')) throw error;
          refusal = error;
        }
      throw refusal;
    },

    unassign: async (ref, { signal }) => setPort(ref, null, signal),
  };
}
