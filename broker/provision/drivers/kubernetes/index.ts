import { type DriverContext, type DriverDefinition, type ProviderDriver } from '../../port/index.ts';
import { readCatalog, readQuotas } from './catalog.ts';
import { openCluster, parsed } from './client.ts';
import { machinePort } from './machines.ts';
import { securityGroupPort } from './security-groups.ts';
import { credentialsSchema, settingsSchema, type Credentials, type Settings } from './settings.ts';
import { snapshotPort, snapshotVersion } from './snapshots.ts';
import { volumePort } from './volumes.ts';
import { watchPods } from './watch.ts';
import { z } from 'zod';

const openingMs = 15_000;
const versionSchema = z.object({ gitVersion: z.string().min(1) });

/** A namespace of a Kubernetes cluster, API level 1.20 and later: machines are pods. */
export const definition: DriverDefinition = {
  kind: 'kubernetes',
  title: 'Kubernetes',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials, context) =>
    openKubernetes(settingsSchema.parse(settings), credentialsSchema.parse(credentials), context),
};

async function openKubernetes(
  settings: Settings,
  credentials: Credentials,
  { now }: DriverContext,
): Promise<ProviderDriver> {
  const cluster = openCluster(settings, credentials);
  try {
    const snapshots = await snapshotVersion(cluster, AbortSignal.timeout(openingMs));
    const context = { cluster, settings, now };
    return {
      kind: 'kubernetes',
      // etcd answers reads with what was written; names of a namespace are unique.
      traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 0, concurrency: 8 },
      machines: machinePort(context),
      volumes: volumePort(context),
      securityGroups: securityGroupPort(cluster, settings),
      ...(snapshots === undefined ? {} : { snapshots: snapshotPort(cluster, settings, snapshots) }),
      async probe(signal) {
        const { gitVersion } = parsed(versionSchema, await cluster.version(signal).getCode());
        // Whether the credentials hold, and in this namespace, only a call with them tells: the version is public.
        await cluster.core(signal).listNamespacedPod({ namespace: settings.namespace, limit: 1 });
        return { version: gitVersion, quotas: await readQuotas(cluster, settings.namespace, signal) };
      },
      catalog: async (signal) => readCatalog(cluster, settings, signal),
      watch: async (owner, onChange, signal) =>
        watchPods(cluster, { namespace: settings.namespace, owner, onChange }, signal),
      [Symbol.asyncDispose]: async () => cluster[Symbol.asyncDispose](),
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
