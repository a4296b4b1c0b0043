import { z } from 'zod';
import { architectureSchema } from '@medusa/protocol';
import type { DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { openRedfish, type Redfish } from './client.ts';
import { createMachinePort, readSystems, sizeOf } from './machines.ts';

const settingsSchema = z.strictObject({
  /** A management controller, or a service that aggregates many, e.g. `https://bmc.example.org`. */
  endpoint: z.url(),
  ca: z.string().optional(),
  /** What a machine can boot. In `url` the word `{name}` stands for the machine's name, so that each gets its own seed. */
  images: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/),
        url: z.url().nullable().default(null),
        architecture: architectureSchema.nullable().default(null),
      }),
    )
    .min(1),
  /** How it boots: from the image as virtual medium, or from the network (then the image's `url` is not used). */
  bootFrom: z.enum(['Cd', 'Pxe', 'UefiHttp']).default('Cd'),
  /** Wipes every drive before a machine is free again: nothing of a patient may outlive its use. */
  eraseDrives: z.boolean().default(true),
});
export type Settings = z.infer<typeof settingsSchema>;
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
