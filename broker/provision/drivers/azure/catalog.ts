import type { Architecture, ProviderCatalog, ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import { apiVersions, listAll, type Context } from './resources.ts';

const architectures: Readonly<Record<string, Architecture>> = { x64: 'x64', Arm64: 'arm64' };

const skuSchema = z.object({
  resourceType: z.string(),
  name: z.string(),
  family: z.string().nullish(),
  locationInfo: z.array(z.object({ zones: z.array(z.string()).nullish() })).nullish(),
  capabilities: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  restrictions: z.array(z.object({ type: z.string() })).nullish(),
});
type Sku = z.infer<typeof skuSchema>;

const imageSchema = z.object({
  id: z.string(),
  name: z.string(),
  properties: z.object({ architecture: z.string().nullish() }).nullish(),
});
const networkSchema = z.object({
  name: z.string(),
  properties: z.object({ subnets: z.array(z.object({ id: z.string(), name: z.string() })).nullish() }),
});
const usageSchema = z.object({
  currentValue: z.number(),
  limit: z.number(),
  unit: z.string().nullish(),
  name: z.object({ value: z.string() }),
});

/** "Azure managed disk types". */
const volumeTypes = [
  'Premium_LRS',
  'Premium_ZRS',
  'StandardSSD_LRS',
  'StandardSSD_ZRS',
  'PremiumV2_LRS',
  'UltraSSD_LRS',
];

export async function readCatalog(context: Context, signal: AbortSignal): Promise<ProviderCatalog> {
  const { subscription, location } = context.settings;
  const group = `/subscriptions/${subscription}/resourceGroups/${context.settings.resourceGroup}/providers`;
  const filter = encodeURIComponent(`location eq '${location}'`);
  const skusUrl = `/subscriptions/${subscription}/providers/Microsoft.Compute/skus?api-version=${apiVersions.skus}&$filter=${filter}`;
  const networksUrl = `${group}/Microsoft.Network/virtualNetworks?api-version=${apiVersions.network}`;
  const [skus, networks, images] = await Promise.all([
    listAll(context.arm, { url: skusUrl, schema: skuSchema }, signal),
    listAll(context.arm, { url: networksUrl, schema: networkSchema }, signal),
    readImages(context, group, signal),
  ]);
  const machines = skus.filter((sku) => isOffered(sku, context.settings.sizes));
  const zones = machines.flatMap(({ locationInfo }) => locationInfo?.[0]?.zones ?? []);
  return {
    images,
    sizes: machines.map(sizeOf),
    zones: [...new Set(zones)].sort(),
    networks: networks.flatMap(({ name, properties }) =>
      (properties.subnets ?? []).map((subnet) => ({
        id: subnet.id,
        name: `${name}/${subnet.name}`,
        isExternal: false,
      })),
    ),
    volumeTypes,
  };
}

async function readImages(
  { arm, settings }: Context,
  group: string,
  signal: AbortSignal,
): Promise<ProviderCatalog['images']> {
  const urls = [
    `${group}/Microsoft.Compute/images?api-version=${apiVersions.compute}`,
    ...(settings.gallery === undefined
      ? []
      : [
          `${group}/Microsoft.Compute/galleries/${settings.gallery}/images?api-version=${apiVersions.gallery}`,
        ]),
  ];
  const found = await Promise.all(
    urls.map(async (url) => listAll(arm, { url, schema: imageSchema }, signal)),
  );
  return [
    ...settings.images.map(({ id, name, architecture }) => ({ id, name: name ?? id, architecture })),
    ...found.flat().map(({ id, name, properties }) => ({
      id,
      name,
      architecture: architectures[properties?.architecture ?? ''] ?? null,
    })),
  ];
}

/** Compute's quotas of the location, those that are used or of machines with GPUs. */
export async function readQuotas(
  { arm, settings }: Context,
  signal: AbortSignal,
): Promise<readonly ProviderQuota[]> {
  const url = `/subscriptions/${settings.subscription}/providers/Microsoft.Compute/locations/${settings.location}/usages?api-version=${apiVersions.compute}`;
  const usages = await listAll(arm, { url, schema: usageSchema }, signal);
  return usages
    .filter(
      ({ name, currentValue }) =>
        currentValue > 0 || /^(cores|virtualMachines|standardN\w*)$/i.test(name.value),
    )
    .map(({ name, currentValue, limit }) => ({ name: name.value, used: currentValue, limit, unit: '' }));
}

function isOffered({ resourceType, name, restrictions }: Sku, patterns: readonly string[]): boolean {
  const isRestricted = restrictions?.some(({ type }) => type === 'Location') ?? false;
  const matches = patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
  return resourceType === 'virtualMachines' && matches && !isRestricted;
}

function sizeOf({ name, family, capabilities }: Sku): ProviderCatalog['sizes'][number] {
  const of = (wanted: string): string => capabilities?.find((one) => one.name === wanted)?.value ?? '';
  const gpus = Number(of('GPUs'));
  const diskMb = Number(of('MaxResourceVolumeMB'));
  return {
    id: name,
    name,
    cpus: Number(of('vCPUs')),
    memoryMiB: Math.round(Number(of('MemoryGB')) * 1_024),
    diskGiB: diskMb > 0 ? Math.round(diskMb / 1_024) : null,
    // The family's name tells the model, e.g. `StandardNVADSA10v5Family`.
    gpu: gpus >= 1 ? { model: family ?? name, count: Math.floor(gpus) } : null,
    // Those of the NG and NVv4 series are AMD's.
    encoder: gpus >= 1 && !/^Standard_N(G|V\d+as_v4)/.test(name) ? 'nvenc' : null,
    architecture: architectures[of('CpuArchitectureType')] ?? null,
  };
}
