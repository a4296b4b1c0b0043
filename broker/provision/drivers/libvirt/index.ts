import type { ProviderCatalog } from '@medusa/protocol';
import { toCatalogSize, type DriverDefinition, type ProviderDriver } from '../../port/index.ts';
import { libvirtImages, readImage } from './images.ts';
import { libvirtMachines } from './machines.ts';
import { libvirtNetworks } from './networks.ts';
import {
  isContainers,
  libvirtCredentialsSchema,
  libvirtSettingsSchema,
  type LibvirtCredentials,
  type LibvirtSettings,
} from './settings.ts';
import { openStorage, type Storage } from './storage.ts';
import { linesOf, openVirsh, type Virsh } from './virsh.ts';
import { libvirtSnapshots, libvirtVolumes } from './volumes.ts';

export const definition: DriverDefinition<LibvirtSettings, LibvirtCredentials> = {
  kind: 'libvirt',
  title: 'libvirt (KVM, QEMU, LXC)',
  settingsSchema: libvirtSettingsSchema,
  credentialsSchema: libvirtCredentialsSchema,

  async open(settings, _credentials, { dataDir }) {
    const virsh = openVirsh(settings, dataDir);
    const storage = openStorage(virsh, settings, readImage);
    const parts = { virsh, storage, dataDir };
    // Containers have folders: there is nothing to attach, and no pool to take an image in.
    const ofMachines = {
      volumes: libvirtVolumes(parts, settings),
      snapshots: libvirtSnapshots(parts),
      images: libvirtImages(storage),
    };
    return {
      kind: 'libvirt',
      traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 1_000, concurrency: 2 },
      machines: libvirtMachines(parts, settings),
      networks: libvirtNetworks(virsh),
      ...(!isContainers(settings) && ofMachines),
      probe: async (signal) => probe(virsh, signal),
      catalog: async (signal) => catalog({ virsh, storage }, settings, signal),
      // Each call is a process of its own.
      [Symbol.asyncDispose]: async () => Promise.resolve(),
    } satisfies ProviderDriver;
  },
};

async function probe(virsh: Virsh, signal: AbortSignal): ReturnType<ProviderDriver['probe']> {
  const versions = linesOf(await virsh(['version'], { signal }));
  const running = versions.find((line) => line.startsWith('Running hypervisor')) ?? versions[0] ?? '';
  const info = await virsh(['nodeinfo'], { signal });
  const numberOf = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const domains = linesOf(await virsh(['list', '--name'], { signal })).length;
  return {
    version: running.replace(/^.*: /, ''),
    quotas: [
      { name: 'domains running', used: domains, limit: null, unit: '' },
      { name: 'processors of the host', used: 0, limit: numberOf('CPU\\(s\\)'), unit: '' },
      {
        name: 'memory of the host',
        used: 0,
        limit: Math.round(numberOf('Memory size') / 1_024 ** 2),
        unit: 'GiB',
      },
    ],
  };
}

async function catalog(
  { virsh, storage }: { virsh: Virsh; storage: Storage },
  settings: LibvirtSettings,
  signal: AbortSignal,
): Promise<ProviderCatalog> {
  const names = isContainers(settings) ? [] : await storage.names(signal);
  const uploaded = names.flatMap((name) => readImage(name) ?? []);
  const networks = linesOf(await virsh(['net-list', '--all', '--name'], { signal }));
  return {
    images: [...settings.images, ...uploaded].map(({ id, architecture }) => ({ id, name: id, architecture })),
    sizes: settings.sizes.map((size) => toCatalogSize(size)),
    zones: [],
    networks: networks.map((name) => ({ id: name, name, isExternal: false })),
    volumeTypes: [],
  };
}
