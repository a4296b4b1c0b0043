import type { DriverContext, DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { addressPort } from './addresses.ts';
import { openArm } from './arm.ts';
import { readCatalog, readQuotas } from './catalog.ts';
import { keyPort } from './keys.ts';
import { machinePort } from './machines.ts';
import { networkPort } from './networks.ts';
import { apiVersions } from './resources.ts';
import { securityGroupPort } from './security-groups.ts';
import { credentialsSchema, settingsSchema, type Credentials, type Settings } from './settings.ts';
import { snapshotPort, volumePort } from './volumes.ts';

/** What was accepted is answered by all of ARM's front ends soon after; it gives no bound. */
const visibilityMs = 30_000;

/** Microsoft Azure by its Resource Manager. */
export const definition: DriverDefinition = {
  kind: 'azure',
  title: 'Microsoft Azure',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials, context) =>
    Promise.resolve(openAzure(settingsSchema.parse(settings), credentialsSchema.parse(credentials), context)),
};

function openAzure(settings: Settings, credentials: Credentials, { now }: DriverContext): ProviderDriver {
  const arm = openArm(settings, credentials, now);
  const context = { arm, settings };
  return {
    kind: 'azure',
    traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs, concurrency: 6 },
    machines: machinePort(context),
    volumes: volumePort(context),
    snapshots: snapshotPort(context),
    networks: networkPort(context),
    addresses: addressPort(context),
    securityGroups: securityGroupPort(context),
    keys: keyPort(context),
    probe: async (signal) => ({ version: apiVersions.compute, quotas: await readQuotas(context, signal) }),
    catalog: async (signal) => readCatalog(context, signal),
    [Symbol.asyncDispose]: async () => arm[Symbol.asyncDispose](),
  };
}
