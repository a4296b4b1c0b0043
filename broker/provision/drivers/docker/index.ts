import type { ProviderCatalog, ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import { toCatalogSize, type DriverDefinition, type ProviderDriver } from '../../port/index.ts';
import { openEngine, parsed, raced, told, type Engine } from './client.ts';
import { watchContainers } from './events.ts';
import { dockerImages, repoTags } from './images.ts';
import { dockerMachines } from './machines.ts';
import { dockerNetworks } from './networks.ts';
import {
  dockerCredentialsSchema,
  dockerSettingsSchema,
  type DockerCredentials,
  type DockerSettings,
} from './settings.ts';
import { dockerVolumes } from './volumes.ts';

/** Docker Engine API, `SystemInfo`. */
const infoSchema = z.object({
  ServerVersion: z.string(),
  NCPU: z.int(),
  MemTotal: z.number(),
  ContainersRunning: z.int(),
});
const networkSchema = z.object({ Name: z.string() });

export const definition: DriverDefinition<DockerSettings, DockerCredentials> = {
  kind: 'docker',
  title: 'Docker or Podman',
  settingsSchema: dockerSettingsSchema,
  credentialsSchema: dockerCredentialsSchema,

  async open(settings, credentials) {
    const engine = openEngine(settings, credentials);
    return {
      kind: 'docker',
      traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 5_000, concurrency: 4 },
      machines: dockerMachines(engine, settings),
      volumes: dockerVolumes(engine),
      networks: dockerNetworks(engine),
      images: dockerImages(engine, settings),
      probe: async (signal) => probe(engine, signal),
      catalog: async (signal) => catalog(engine, settings, signal),
      watch: async (owner, onChange, signal) => watchContainers(engine, { owner, onChange, signal }),
      // Connections are made for one call each.
      [Symbol.asyncDispose]: async () => Promise.resolve(),
    } satisfies ProviderDriver;
  },
};

async function probe(engine: Engine, signal: AbortSignal): ReturnType<ProviderDriver['probe']> {
  const answer: unknown = await told(false, async () =>
    raced(signal, async () => engine.info() as Promise<unknown>),
  );
  const { ServerVersion, NCPU, MemTotal, ContainersRunning } = parsed(infoSchema, answer);
  const quotas: ProviderQuota[] = [
    { name: 'containers running', used: ContainersRunning, limit: null, unit: '' },
    { name: 'processors of the host', used: 0, limit: NCPU, unit: '' },
    { name: 'memory of the host', used: 0, limit: Math.round(MemTotal / 1_024 ** 3), unit: 'GiB' },
  ];
  return { version: ServerVersion, quotas };
}

async function catalog(
  engine: Engine,
  settings: DockerSettings,
  signal: AbortSignal,
): Promise<ProviderCatalog> {
  const [images, networks] = await Promise.all([
    repoTags(engine, signal),
    told(false, async () => engine.listNetworks({ abortSignal: signal })),
  ]);
  return {
    images: images.map((name) => ({ id: name, name, architecture: null })),
    sizes: settings.sizes.map((size) => toCatalogSize(size)),
    zones: [],
    networks: parsed(z.array(networkSchema), networks).map(({ Name: name }) => ({
      id: name,
      name,
      isExternal: false,
    })),
    volumeTypes: ['local'],
  };
}
