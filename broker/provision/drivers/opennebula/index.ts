import { z } from 'zod';
import {
  sizeSettingsSchema,
  toCatalogSize,
  type DriverDefinition,
  type ProviderDriver,
} from '../../port/index.ts';
import { openOneClient, readOne, readPool, type OneClient } from './client.ts';
import { createMachinePort } from './machines.ts';
import { createNetworkPort, createSecurityGroupPort } from './networks.ts';
import { createVolumePorts } from './volumes.ts';

const settingsSchema = z.strictObject({
  /** Of the XML-RPC server, e.g. `https://one.example.org:2633/RPC2`. */
  endpoint: z.url(),
  /** PEM, when its certificate is not from a public authority. */
  ca: z.string().optional(),
  /** Id of the image datastore for volumes; without it there are none. */
  imageDatastore: z.int().min(0).optional(),
  /** The hosts' interface that carries VLANs and VXLANs. */
  physicalDevice: z.string().max(15).optional(),
  sizes: sizeSettingsSchema,
});
type Settings = z.infer<typeof settingsSchema>;

const credentialsSchema = z.strictObject({
  username: z.string().regex(/^[^:\s]+$/, 'no colon and no space'),
  password: z.string().min(1),
});

/** OpenNebula 5.8 and later by XML-RPC. Images of machines are its virtual machine templates. */
export const definition: DriverDefinition<Settings, z.infer<typeof credentialsSchema>> = {
  kind: 'opennebula',
  title: 'OpenNebula',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials) => toDriver(openOneClient(settings, credentials), settings),
};

function toDriver(client: OneClient, settings: Settings): ProviderDriver {
  return {
    kind: 'opennebula',
    // Two machines may have one name, and no call carries a token: only looking tells.
    traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 5_000, concurrency: 4 },
    machines: createMachinePort(client, settings.sizes),
    ...(settings.imageDatastore === undefined ? {} : createVolumePorts(client, settings.imageDatastore)),
    networks: createNetworkPort(client, settings.physicalDevice),
    securityGroups: createSecurityGroupPort(client),
    probe: async (signal) => ({
      version: String(await client.ask('one.system.version', [], signal)),
      quotas: await readQuotas(client, signal),
    }),
    catalog: async (signal) => readCatalog(client, settings, signal),
    [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose](),
  };
}

const named = z.object({ ID: z.string(), NAME: z.string() });

async function readCatalog(
  client: OneClient,
  { sizes }: Settings,
  signal: AbortSignal,
): ReturnType<ProviderDriver['catalog']> {
  const templates = readPool(
    await client.ask('one.templatepool.info', [-2, -1, -1], signal),
    'VMTEMPLATE',
    named,
  );
  const clusters = readPool(await client.ask('one.clusterpool.info', [], signal), 'CLUSTER', named);
  const networks = readPool(await client.ask('one.vnpool.info', [-2, -1, -1], signal), 'VNET', named);
  return {
    images: templates.map(({ ID: id, NAME: name }) => ({ id, name, architecture: null })),
    sizes: sizes.map(toCatalogSize),
    zones: clusters.map(({ ID: id }) => id),
    networks: networks.map(({ ID: id, NAME: name }) => ({ id, name, isExternal: false })),
    volumeTypes: [],
  };
}

/** Of the user itself; -1 = the default, -2 = unlimited. */
async function readQuotas(
  client: OneClient,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<ProviderDriver['probe']>>['quotas']> {
  const self = -1;
  const count = z.coerce.number().optional();
  const vm = z.object({
    VMS: count,
    VMS_USED: count,
    CPU: count,
    CPU_USED: count,
    MEMORY: count,
    MEMORY_USED: count,
  });
  const schema = z.looseObject({
    VM_QUOTA: z.union([z.literal(''), z.looseObject({ VM: z.unknown() })]).optional(),
  });
  const { VM_QUOTA: quota } = readOne(
    await client.ask('one.user.info', [self, false], signal),
    'USER',
    schema,
  );
  if (quota === undefined || quota === '') return [];
  const { VM: entries } = quota;
  const [used] = z.array(vm).parse(Array.isArray(entries) ? entries : [entries]);
  if (!used) return [];
  const limitOf = (limit: number | undefined): number | null =>
    limit === undefined || limit < 0 ? null : limit;
  return [
    { name: 'machines', used: used.VMS_USED ?? 0, limit: limitOf(used.VMS), unit: '' },
    { name: 'CPUs', used: used.CPU_USED ?? 0, limit: limitOf(used.CPU), unit: '' },
    { name: 'memory', used: used.MEMORY_USED ?? 0, limit: limitOf(used.MEMORY), unit: 'MiB' },
  ];
}
