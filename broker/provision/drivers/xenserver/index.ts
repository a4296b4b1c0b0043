import type { NetworkSpec } from '@medusa/protocol';
import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  sizeSettingsSchema,
  tagOf,
  toCatalogSize,
  type DriverDefinition,
  type Network,
  type NetworkPort,
  type OwnerTag,
  type ProviderDriver,
} from '../../port/index.ts';
import {
  allRecords,
  findRecord,
  openXapi,
  recordMapSchema,
  toTagMap,
  unlessGone,
  type Xapi,
} from './client.ts';
import { createMachinePort } from './machines.ts';
import { createVolumePorts } from './volumes.ts';

const settingsSchema = z.strictObject({
  /** Of the pool's master, e.g. `https://xen.example.org`. */
  endpoint: z.url(),
  ca: z.string().optional(),
  /** UUID of the storage repository for volumes; without it there are none. */
  storageRepository: z.uuid().optional(),
  /** The physical interface of the pool that carries VLANs, e.g. `eth0`. */
  device: z.string().max(15).optional(),
  sizes: sizeSettingsSchema,
});
type Settings = z.infer<typeof settingsSchema>;
const credentialsSchema = z.strictObject({ username: z.string().min(1), password: z.string().min(1) });

/** XenServer and XCP-ng by the Xen management API. Images are templates of the pool. */
export const definition: DriverDefinition<Settings, z.infer<typeof credentialsSchema>> = {
  kind: 'xenserver',
  title: 'XenServer, XCP-ng',
  settingsSchema,
  credentialsSchema,
  async open(settings, credentials) {
    const xapi = openXapi(settings, credentials);
    try {
      return await toDriver(xapi, settings);
    } catch (error) {
      await xapi[Symbol.asyncDispose]();
      throw error;
    }
  },
};

async function toDriver(xapi: Xapi, settings: Settings): Promise<ProviderDriver> {
  const { storageRepository: uuid } = settings;
  const repository =
    uuid === undefined
      ? undefined
      : String(await xapi.ask('SR.get_by_uuid', [uuid], AbortSignal.timeout(30_000)));
  return {
    kind: 'xenserver',
    traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 2_000, concurrency: 2 },
    machines: createMachinePort(xapi, settings.sizes),
    ...(repository === undefined ? {} : createVolumePorts(xapi, repository)),
    networks: createNetworkPort(xapi, settings.device),
    probe: async (signal) => ({ version: await readVersion(xapi, signal), quotas: [] }),
    catalog: async (signal) => readCatalog(xapi, settings, signal),
    [Symbol.asyncDispose]: async () => xapi[Symbol.asyncDispose](),
  };
}

async function readVersion(xapi: Xapi, signal: AbortSignal): Promise<string> {
  const schema = z.object({ software_version: recordMapSchema });
  const [host] = await allRecords(xapi, 'host', { schema, signal });
  return host?.[1].software_version['product_version'] ?? 'unknown';
}

async function readCatalog(
  xapi: Xapi,
  { sizes }: Settings,
  signal: AbortSignal,
): ReturnType<ProviderDriver['catalog']> {
  const template = z.object({
    name_label: z.string(),
    is_a_template: z.boolean(),
    is_a_snapshot: z.boolean(),
  });
  const named = z.object({ name_label: z.string() });
  const machines = await allRecords(xapi, 'VM', { schema: template, signal });
  const networks = await allRecords(xapi, 'network', { schema: named, signal });
  return {
    images: machines
      .filter(
        ([, record]) => record.is_a_template && !record.is_a_snapshot && !tagOf('machine', record.name_label),
      )
      .map(([id, { name_label: name }]) => ({ id, name, architecture: 'x64' })),
    sizes: sizes.map(toCatalogSize),
    zones: [],
    networks: networks.map(([id, { name_label: name }]) => ({ id, name, isExternal: false })),
    volumeTypes: [],
  };
}

const networkSchema = z.object({ name_label: z.string(), other_config: recordMapSchema });

/** Networks of the pool; with a segment a VLAN on its physical interface. Addresses are handed out by others. */
function createNetworkPort(xapi: Xapi, device: string | undefined): NetworkPort {
  return {
    async create(spec, tag, name, { signal }) {
      const vlan = checkedVlan(spec, device);
      const marks = {
        ...toTagMap(tag),
        'medusa-cidrs': (spec.cidrs ?? []).join(' '),
        ...(vlan && { 'medusa-segment': vlan.segment }),
      };
      const record = { name_label: name, name_description: '', MTU: '1500', other_config: marks, tags: [] };
      const ref = String(await xapi.change('network.create', [record], signal));
      try {
        if (vlan) await xapi.change('pool.create_VLAN', [vlan.device, ref, vlan.segment], signal);
      } catch (error) {
        if (!isProviderFault(error, 'unknown-outcome'))
          await unlessGone(xapi.change('network.destroy', [ref], signal));
        throw error;
      }
      return toNetwork(ref, { name_label: name, other_config: marks }, tag);
    },
    async get(ref, signal) {
      const network = await findRecord(xapi, 'network', { ref, schema: networkSchema, signal });
      const tag = network && tagOf('network', network.name_label);
      return network && tag ? toNetwork(ref, network, tag) : undefined;
    },
    async list(owner, signal) {
      return (await allRecords(xapi, 'network', { schema: networkSchema, signal })).flatMap(
        ([ref, network]) => {
          const tag = tagOf('network', network.name_label);
          return tag?.owner === owner ? [toNetwork(ref, network, tag)] : [];
        },
      );
    },
    async destroy(ref, { signal }) {
      const schema = z.object({ PIFs: z.array(z.string()) });
      const network = await findRecord(xapi, 'network', { ref, schema, signal });
      if (!network) return;
      // The VLANs of its interfaces go first, on every host of the pool.
      for (const pif of network.PIFs) {
        const vlan = String(await xapi.ask('PIF.get_VLAN_master_of', [pif], signal));
        await unlessGone(xapi.change('VLAN.destroy', [vlan], signal));
      }
      await unlessGone(xapi.change('network.destroy', [ref], signal));
    },
  };
}

function checkedVlan(
  { type, segment }: NetworkSpec,
  device: string | undefined,
): { device: string; segment: string } | undefined {
  if (type === 'vxlan') throw new ProviderError('invalid', 'XenServer has no VXLAN networks');
  if (segment === null) return undefined;
  if (device === undefined) throw new ProviderError('invalid', 'The provider’s device is needed for a VLAN');
  return { device, segment: String(segment) };
}

function toNetwork(
  ref: string,
  { name_label: name, other_config: marks }: z.infer<typeof networkSchema>,
  tag: OwnerTag,
): Network {
  const { 'medusa-segment': segment, 'medusa-cidrs': cidrs = '' } = marks;
  return {
    ...{ ref, name, tag, state: 'running', detail: 'available', createdAt: null },
    cidrs: cidrs.split(' ').filter((cidr) => cidr !== ''),
    segment: segment === undefined ? null : Number(segment),
  };
}
