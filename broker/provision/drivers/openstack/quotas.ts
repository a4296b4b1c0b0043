import type { ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import { isProviderFault } from '../../port/index.ts';
import { bareMetalUse } from './bare-metal/sizes.ts';
import type { Cloud } from './cloud.ts';

const computeLimitsSchema = z.object({
  limits: z.object({
    absolute: z.object({
      totalInstancesUsed: z.number(),
      maxTotalInstances: z.number(),
      totalCoresUsed: z.number(),
      maxTotalCores: z.number(),
      totalRAMUsed: z.number(),
      maxTotalRAMSize: z.number(),
    }),
  }),
});
const volumeLimitsSchema = z.object({
  limits: z.object({
    absolute: z.object({
      totalVolumesUsed: z.number(),
      maxTotalVolumes: z.number(),
      totalSnapshotsUsed: z.number(),
      maxTotalSnapshots: z.number(),
      totalGigabytesUsed: z.number(),
      maxTotalVolumeGigabytes: z.number(),
    }),
  }),
});
const networkUse = z.object({ used: z.number(), limit: z.number() });
const networkQuotaSchema = z.object({
  quota: z.object({
    network: networkUse,
    port: networkUse,
    router: networkUse.optional(),
    floatingip: networkUse.optional(),
    security_group: networkUse.optional(),
  }),
});

/** -1 is OpenStack's word for no limit. */
const quota = (name: string, [used, limit]: readonly [number, number], unit = ''): ProviderQuota => ({
  name,
  used,
  limit: limit < 0 ? null : limit,
  unit,
});

/** How much of what the project may have is used; of GPUs and bare metal, how much of all there is, for who may see it. */
export async function readQuotas(
  cloud: Cloud,
  offers: { readonly volumes: boolean; readonly placement: boolean; readonly bareMetal: boolean },
  signal: AbortSignal,
): Promise<readonly ProviderQuota[]> {
  const parts = await Promise.all([
    computeQuotas(cloud, signal),
    networkQuotas(cloud, signal),
    offers.volumes ? volumeQuotas(cloud, signal) : [],
    offers.placement ? allowed(gpuQuotas(cloud, signal)) : [],
    offers.bareMetal ? allowed(bareMetalQuotas(cloud, signal)) : [],
  ]);
  return parts.flat();
}

async function computeQuotas(cloud: Cloud, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  const { limits } = await cloud
    .service('compute')
    .ask({ method: 'GET', path: '/limits', signal }, computeLimitsSchema);
  const { absolute } = limits;
  return [
    quota('machines', [absolute.totalInstancesUsed, absolute.maxTotalInstances]),
    quota('cpus', [absolute.totalCoresUsed, absolute.maxTotalCores]),
    quota('memory', [absolute.totalRAMUsed, absolute.maxTotalRAMSize], 'MiB'),
  ];
}

async function volumeQuotas(cloud: Cloud, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  const { limits } = await cloud
    .service('volume')
    .ask({ method: 'GET', path: '/limits', signal }, volumeLimitsSchema);
  const { absolute } = limits;
  return [
    quota('volumes', [absolute.totalVolumesUsed, absolute.maxTotalVolumes]),
    quota('snapshots', [absolute.totalSnapshotsUsed, absolute.maxTotalSnapshots]),
    quota('storage', [absolute.totalGigabytesUsed, absolute.maxTotalVolumeGigabytes], 'GiB'),
  ];
}

/** An extension (`quota_details`) that old Neutrons lack. */
async function networkQuotas(cloud: Cloud, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  const path = `/quotas/${await cloud.projectId(signal)}/details`;
  const found = await cloud.service('network').find(path, networkQuotaSchema, signal);
  const names = {
    network: 'networks',
    port: 'ports',
    router: 'routers',
    floatingip: 'addresses',
    security_group: 'security groups',
  };
  return Object.entries(found?.quota ?? {}).flatMap(([key, use]) =>
    use === undefined ? [] : [quota(names[key as keyof typeof names], [use.used, use.limit])],
  );
}

const gpuClass = /(^|_)[VP]?GPU(_|$)/;
const providersSchema = z.object({ resource_providers: z.array(z.object({ uuid: z.string() })) });
const inventoriesSchema = z.object({
  inventories: z.record(z.string(), z.object({ total: z.number(), reserved: z.number() })),
});
const usagesSchema = z.object({ usages: z.record(z.string(), z.number()) });

/** Placement's inventories and usages of graphics cards: only its administrators may read them. */
async function gpuQuotas(cloud: Cloud, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  const placement = cloud.service('placement');
  const get = { method: 'GET', signal } as const;
  const { resource_providers: all } = await placement.ask(
    { ...get, path: '/resource_providers' },
    providersSchema,
  );
  const sums = new Map<string, [used: number, total: number]>();
  await Promise.all(
    all.map(async ({ uuid }) => {
      const path = `/resource_providers/${uuid}`;
      const { inventories } = await placement.ask({ ...get, path: `${path}/inventories` }, inventoriesSchema);
      const gpus = Object.entries(inventories).filter(([name]) => gpuClass.test(name));
      if (gpus.length === 0) return;
      const { usages } = await placement.ask({ ...get, path: `${path}/usages` }, usagesSchema);
      for (const [name, { total, reserved }] of gpus) {
        const [used, limit] = sums.get(name) ?? [0, 0];
        sums.set(name, [used + (usages[name] ?? 0), limit + total - reserved]);
      }
    }),
  );
  return [...sums].map(([name, use]) => quota(name, use, 'GPU'));
}

async function bareMetalQuotas(cloud: Cloud, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  return [...(await bareMetalUse(cloud, signal))].map(([resourceClass, { used, total }]) =>
    quota(`baremetal:${resourceClass}`, [used, total], 'node'),
  );
}

/** What the cloud does not show to this user is left out. */
async function allowed<T>(reading: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await reading;
  } catch (error) {
    if (isProviderFault(error, 'auth')) return [];
    throw error;
  }
}
