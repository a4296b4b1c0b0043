import path from 'node:path';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import type { ProviderDriver } from '@medusa/broker/provision/port';
import pino from 'pino';
import { z } from 'zod';

/** Where a provider is, so that another process can open the same one. */
export const providerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('local'), dataDir: z.string() }),
  z.object({
    kind: z.enum(['simulated', 'lxd', 'openstack']),
    dataDir: z.string(),
    settings: z.unknown(),
    credentials: z.unknown(),
  }),
]);
export type Provider = z.infer<typeof providerSchema>;

export async function openProvider(provider: Provider): Promise<ProviderDriver> {
  if (provider.kind === 'local') {
    const { openLocalDriver } = await import('@medusa/broker/provision/drivers/local');
    return openLocalDriver({
      nodesDir: path.join(provider.dataDir, 'nodes'),
      // Any program that stays: no agent is needed to see whether processes are doubled or left.
      command: ['/bin/sleep', '86400'],
      stopMs: 5_000,
      rtcPort: 0,
    });
  }
  const definition = await driverDefinitions[provider.kind]?.();
  if (!definition) throw new Error(`There is no driver for ${provider.kind}`);
  return definition.open(
    definition.settingsSchema.parse(provider.settings),
    definition.credentialsSchema.parse(provider.credentials),
    { log: pino({ level: 'silent' }), now: () => new Date(), dataDir: provider.dataDir },
  );
}
