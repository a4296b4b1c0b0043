import { arch, availableParallelism, release, totalmem } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import type { Architecture, ProviderCatalog } from '@medusa/protocol';
import type { DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { createLocalMachines, localImage, localSize, type LocalSettings } from './machines.ts';

const settingsSchema = z.strictObject({
  /** The media port of the first node on this computer; each further node has the next one. */
  rtcPort: z.int().min(0).max(65_535).default(44_444),
  /** Of this computer: told to browsers, and where the media ports are; left out: the installation's. */
  rtcAddress: z
    .string()
    .refine((address) => isIP(address) !== 0, 'an IP address')
    .optional(),
});
type Settings = z.infer<typeof settingsSchema>;

/** This computer. */
export const definition: DriverDefinition<Settings, Record<string, never>> = {
  kind: 'local',
  title: 'This computer',
  settingsSchema,
  credentialsSchema: z.strictObject({}),
  open: async ({ rtcPort, rtcAddress }, _credentials, { dataDir }) =>
    openLocalDriver({
      nodesDir: dataDir,
      command: [process.execPath, join(import.meta.dirname, '../../../../renderer/main.ts')],
      stopMs: 10_000,
      rtcPort,
      rtcAddress,
    }),
};

export function openLocalDriver(settings: LocalSettings): ProviderDriver {
  return {
    kind: 'local',
    traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 0, concurrency: 4 },
    machines: createLocalMachines(settings),
    probe: async () => ({
      version: `Linux ${release()}`,
      quotas: [{ name: 'processors', used: 0, limit: availableParallelism(), unit: '' }],
    }),
    catalog: async () => catalog(),
    async [Symbol.asyncDispose]() {
      // The processes stay: that is what they are for.
    },
  };
}

function catalog(): ProviderCatalog {
  const architecture = arch() as Architecture;
  return {
    images: [{ id: localImage, name: 'The agent of this installation', architecture }],
    sizes: [
      {
        ...{ id: localSize, name: 'A process', cpus: availableParallelism(), architecture },
        memoryMiB: Math.floor(totalmem() / 1024 / 1024),
        ...{ diskGiB: null, gpu: null, encoder: null },
      },
    ],
    zones: [],
    networks: [],
    volumeTypes: [],
  };
}
