import { z } from 'zod';
import type { DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { openRedfish, type Redfish } from './client.ts';
import { createMachinePort, readSystems, sizeOf } from './machines.ts';
import { settingsSchema, type Settings } from './settings.ts';

const credentialsSchema = z.strictObject({ username: z.string().min(1), password: z.string().min(1) });

/** Bare metal by Redfish: a machine is a computer system that is free, taken by its asset tag. */
export const definition: DriverDefinition<Settings, z.infer<typeof credentialsSchema>> = {
  kind: 'redfish',
  title: 'Bare metal (Redfish)',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials) => toDriver(openRedfish(settings, credentials), settings),
};

function toDriver(redfish: Redfish, settings: Settings): ProviderDriver {
  return {
    kind: 'redfish',
    traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 0, concurrency: 4 },
    machines: createMachinePort(redfish, settings),
    async probe(signal) {
      const root = z.object({ RedfishVersion: z.string() });
      const { body } = await redfish.get('/redfish/v1/', root, signal);
      const systems = await readSystems(redfish, signal);
      const used = systems.filter(({ AssetTag: tag }) => tag !== '').length;
      return {
        version: body.RedfishVersion,
        quotas: [{ name: 'machines', used, limit: systems.length, unit: '' }],
      };
    },
    async catalog(signal) {
      const sizes = new Map(
        (await readSystems(redfish, signal)).map((system) => [sizeOf(system).id, sizeOf(system)]),
      );
      return {
        images: settings.images.map(({ id, architecture }) => ({ id, name: id, architecture })),
        sizes: [...sizes.values()],
        ...{ zones: [], networks: [], volumeTypes: [] },
      };
    },
    [Symbol.asyncDispose]: async () => redfish[Symbol.asyncDispose](),
  };
}
