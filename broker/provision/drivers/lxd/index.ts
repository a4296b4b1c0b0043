import type { ProviderCatalog, ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import {
  ProviderError,
  toCatalogSize,
  type DriverDefinition,
  type ProviderDriver,
} from '../../port/index.ts';
import { lxdAddresses } from './addresses.ts';
import { openLxd, pathOf, type Lxd } from './client.ts';
import { allImages, architectureOf, lxdImages } from './images.ts';
import { lxdMachines } from './machines.ts';
import { allNetworks, lxdNetworks } from './networks.ts';
import { lxdSecurityGroups } from './security-groups.ts';
import {
  lxdCredentialsSchema,
  lxdSettingsSchema,
  type LxdCredentials,
  type LxdSettings,
} from './settings.ts';
import { lastSegment, lxdSnapshots, lxdVolumes, poolNames } from './volumes.ts';

/** LXD REST API, `Server`. To strangers it shows itself too, with `auth: untrusted`. */
const serverSchema = z.object({
  auth: z.string(),
  api_extensions: z.array(z.string()).nullish(),
  environment: z
    .object({ server: z.string(), server_version: z.string(), server_clustered: z.boolean() })
    .partial()
    .nullish(),
});
type Server = z.infer<typeof serverSchema>;

/** LXD REST API, `Resources`. */
const resourcesSchema = z.object({
  cpu: z.object({ total: z.int() }),
  memory: z.object({ used: z.number(), total: z.number() }),
  gpu: z.object({ total: z.int() }),
});
const spaceSchema = z.object({ space: z.object({ used: z.number(), total: z.number() }) });

const bytesPerGiB = 1_024 ** 3;

export const definition: DriverDefinition<LxdSettings, LxdCredentials> = {
  kind: 'lxd',
  title: 'LXD',
  settingsSchema: lxdSettingsSchema,
  credentialsSchema: lxdCredentialsSchema,

  async open(settings, credentials) {
    const lxd = openLxd(settings, credentials);
    const { port: securityGroups, security } = lxdSecurityGroups(lxd, settings);
    const machines = lxdMachines(lxd, settings, security);
    const hasPools = settings.addressPools.length > 0;
    return {
      kind: 'lxd',
      // Names are unique within a project. An instance shows up once LXD has begun to make it.
      traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 10_000, concurrency: 8 },
      machines,
      volumes: lxdVolumes(lxd, settings),
      snapshots: lxdSnapshots(lxd),
      networks: lxdNetworks(lxd),
      ...(hasPools && { addresses: lxdAddresses(lxd, machines, settings) }),
      securityGroups,
      images: lxdImages(lxd),
      probe: async (signal) => probe(lxd, settings, signal),
      catalog: async (signal) => catalog(lxd, settings, signal),
      [Symbol.asyncDispose]: async () => lxd[Symbol.asyncDispose](),
    } satisfies ProviderDriver;
  },
};

async function server(lxd: Lxd, signal: AbortSignal): Promise<Server> {
  return lxd.read(serverSchema, '', signal);
}

async function probe(
  lxd: Lxd,
  settings: LxdSettings,
  signal: AbortSignal,
): ReturnType<ProviderDriver['probe']> {
  const { auth, environment, api_extensions: extensions } = await server(lxd, signal);
  if (auth !== 'trusted') throw new ProviderError('auth', 'LXD does not trust the client certificate');
  const needed = ['network_acl', ...(settings.addressPools.length > 0 ? ['network_forward'] : [])];
  const missing = needed.filter((extension) => !extensions?.includes(extension));
  if (missing.length > 0) throw new ProviderError('invalid', `This LXD is too old: no ${missing.join(', ')}`);
  const [{ memory, gpu }, { space }] = await Promise.all([
    lxd.read(resourcesSchema, pathOf(['resources']), signal),
    lxd.read(spaceSchema, pathOf(['storage-pools', settings.storagePool, 'resources']), signal),
  ]);
  const quotas: ProviderQuota[] = [
    { name: 'memory', used: inGiB(memory.used), limit: inGiB(memory.total), unit: 'GiB' },
    {
      name: `storage pool ${settings.storagePool}`,
      used: inGiB(space.used),
      limit: inGiB(space.total),
      unit: 'GiB',
    },
    ...(gpu.total > 0 ? [{ name: 'GPUs in the host', used: 0, limit: gpu.total, unit: '' }] : []),
  ];
  return { version: `${environment?.server ?? 'lxd'} ${environment?.server_version ?? ''}`.trim(), quotas };
}

async function catalog(lxd: Lxd, settings: LxdSettings, signal: AbortSignal): Promise<ProviderCatalog> {
  const [{ environment }, images, networks, volumeTypes] = await Promise.all([
    server(lxd, signal),
    allImages(lxd, signal),
    allNetworks(lxd, signal),
    poolNames(lxd, signal),
  ]);
  const members = environment?.server_clustered
    ? await lxd.read(z.array(z.string()), pathOf(['cluster', 'members']), signal)
    : [];
  const external = new Set(settings.addressPools.map(({ network }) => network));
  return {
    images: images.map((image) => {
      const id = image.aliases?.[0]?.name ?? image.fingerprint;
      return { id, name: image.properties?.['description'] ?? id, architecture: architectureOf(image) };
    }),
    sizes: settings.sizes.map((size) => toCatalogSize(size)),
    zones: members.map((member) => lastSegment(member)),
    networks: networks.map(({ name }) => ({ id: name, name, isExternal: external.has(name) })),
    volumeTypes: [...volumeTypes],
  };
}

function inGiB(bytes: number): number {
  return Math.round((bytes / bytesPerGiB) * 10) / 10;
}
