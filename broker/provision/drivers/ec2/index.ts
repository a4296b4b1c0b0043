import type { DriverContext, DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { addressPort } from './addresses.ts';
import { readCatalog, readQuotas } from './catalog.ts';
import { openEc2 } from './client.ts';
import type { Context } from './context.ts';
import { keyPort } from './keys.ts';
import { machinePort } from './machines.ts';
import { networkPort } from './networks.ts';
import { openRecent } from './once.ts';
import { securityGroupPort } from './security-groups.ts';
import { credentialsSchema, settingsSchema, type Credentials, type Settings } from './settings.ts';
import { snapshotPort, volumePort } from './volumes.ts';

/** The version of the API that the SDK speaks. */
const apiVersion = '2016-11-15';

/** EC2 gives no bound ("Eventual consistency in the Amazon EC2 API"); it is seconds, and this is a bound that one can rely on. */
const visibilityMs = 60_000;

/** Amazon EC2, and clouds that speak its API. */
export const definition: DriverDefinition = {
  kind: 'ec2',
  title: 'Amazon EC2',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials, context) =>
    Promise.resolve(
      openDriver(settingsSchema.parse(settings), credentialsSchema.parse(credentials), context),
    ),
};

function openDriver(settings: Settings, credentials: Credentials, { now }: DriverContext): ProviderDriver {
  const ec2 = openEc2(settings, credentials);
  const context: Context = { ec2, settings, now, recent: openRecent(now, visibilityMs) };
  return {
    kind: 'ec2',
    traits: { uniqueNames: false, idempotencyTokens: true, visibilityMs, concurrency: 4 },
    machines: machinePort(context),
    volumes: volumePort(context),
    snapshots: snapshotPort(context),
    networks: networkPort(context),
    addresses: addressPort(context),
    securityGroups: securityGroupPort(context),
    keys: keyPort(context),
    probe: async (signal) => ({ version: apiVersion, quotas: await readQuotas(context, signal) }),
    catalog: async (signal) => readCatalog(context, signal),
    async [Symbol.asyncDispose]() {
      ec2[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
