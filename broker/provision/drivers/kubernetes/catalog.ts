import type { Architecture, ProviderCatalog, ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import { allPages, forbiddenIsNone, parsed, type Cluster } from './client.ts';
import { parseQuantity } from './quantity.ts';
import type { Settings, Size } from './settings.ts';

export const zoneLabel = 'topology.kubernetes.io/zone';
export const architectureLabel = 'kubernetes.io/arch';

/** Go's words for CPU architectures and Node's. */
const architectures: Readonly<Record<string, Architecture>> = {
  amd64: 'x64',
  arm64: 'arm64',
  riscv64: 'riscv64',
};
export const goArchitectures = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' } as const satisfies Record<
  Architecture,
  string
>;

const nodeSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ unschedulable: z.boolean().default(false) }).default({ unschedulable: false }),
  status: z.object({ allocatable: z.record(z.string(), z.string()).default({}) }),
});
type Node = z.infer<typeof nodeSchema>;

const quotaSchema = z.object({
  metadata: z.object({ name: z.string() }),
  status: z
    .object({
      hard: z.record(z.string(), z.string()).default({}),
      used: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
});

export async function readCatalog(
  cluster: Cluster,
  settings: Settings,
  signal: AbortSignal,
): Promise<ProviderCatalog> {
  const nodes = (await readNodes(cluster, signal)).filter(({ spec }) => !spec.unschedulable);
  const gpuModels = nodes.flatMap(({ metadata }) => metadata.labels['nvidia.com/gpu.product'] ?? []);
  const sizes = settings.sizes.length > 0 ? settings.sizes : sizesOf(nodes, settings.gpuResource);
  const classes = await forbiddenIsNone(async () => (await cluster.storage(signal).listStorageClass()).items);
  const unique = (texts: readonly (string | undefined)[]): string[] =>
    [...new Set(texts.filter((text) => text !== undefined))].sort();
  return {
    images: settings.images.map(({ id, name, architecture }) => ({ id, name: name ?? id, architecture })),
    sizes: sizes.map(({ id, name, cpus, memoryMiB, gpus, architecture }) => ({
      id,
      name: name ?? nameOfSize({ cpus, memoryMiB, gpus }),
      cpus,
      memoryMiB,
      diskGiB: null,
      gpu: gpus === 0 ? null : { model: gpuModels[0] ?? settings.gpuResource, count: gpus },
      encoder: gpus > 0 && settings.gpuResource.startsWith('nvidia.com/') ? 'nvenc' : null,
      architecture,
    })),
    zones: unique(nodes.map(({ metadata }) => metadata.labels[zoneLabel])),
    networks: [],
    volumeTypes: unique(classes.map(({ metadata }) => metadata?.name)),
  };
}

/** What the namespace's ResourceQuotas allow. */
export async function readQuotas(
  cluster: Cluster,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ProviderQuota[]> {
  const { items } = await cluster.core(signal).listNamespacedResourceQuota({ namespace });
  return parsed(z.array(quotaSchema), items).flatMap(({ metadata, status }) =>
    Object.entries(status?.hard ?? {}).map(([resource, hard]) => {
      const inGiB = /memory|storage$/.test(resource);
      const amount = (text: string): number => parseQuantity(text) / (inGiB ? 2 ** 30 : 1);
      return {
        name: `${metadata.name}/${resource}`,
        used: amount(status?.used[resource] ?? '0'),
        limit: amount(hard),
        unit: inGiB ? 'GiB' : '',
      };
    }),
  );
}

/** The size of that id: one of the settings, or one that `sizesOf` made. */
export function sizeOf(id: string, settings: Settings): Size | undefined {
  const configured = settings.sizes.find((size) => size.id === id);
  if (configured || settings.sizes.length > 0) return configured;
  const match = /^(x64|arm64|riscv64)-c(\d{1,4}(?:\.\d)?)-m(\d{1,8})-g(\d{1,2})$/.exec(id);
  if (!match) return undefined;
  const [cpus, memoryMiB, gpus] = [Number(match[2]), Number(match[3]), Number(match[4])];
  if (cpus === 0 || memoryMiB === 0) return undefined;
  return { id, cpus, memoryMiB, gpus, architecture: match[1] as Architecture };
}

/** Nodes of a cluster are also others' business: without the right to see them, the settings alone count. */
async function readNodes(cluster: Cluster, signal: AbortSignal): Promise<Node[]> {
  return forbiddenIsNone(async () => {
    const items = await allPages(async (options) => cluster.core(signal).listNode(options));
    return parsed(z.array(nodeSchema), items);
  });
}

/** What is on every node besides us (kubelet's own reservations are already taken off). */
const shareForMachines = 0.9;

/** For each shape of node: a share for each of its GPUs and the whole; without GPUs a quarter, a half and the whole. */
function sizesOf(nodes: readonly Node[], gpuResource: string): Size[] {
  const found = new Map<string, Size>();
  for (const { metadata, status } of nodes) {
    const architecture = architectures[metadata.labels[architectureLabel] ?? 'amd64'];
    const amount = (name: string): number => parseQuantity(status.allocatable[name] ?? '0') || 0;
    const all = amount(gpuResource);
    if (!architecture) continue;
    for (const share of all > 0 ? [1 / all, 1] : [0.25, 0.5, 1]) {
      const cpus = Math.floor(amount('cpu') * shareForMachines * share * 10) / 10;
      const memoryMiB = Math.floor((amount('memory') / 2 ** 20) * shareForMachines * share);
      const gpus = Math.round(all * share);
      if (cpus <= 0 || memoryMiB < 16) continue;
      const id = `${architecture}-c${cpus}-m${memoryMiB}-g${gpus}`;
      found.set(id, { id, cpus, memoryMiB, gpus, architecture });
    }
  }
  return [...found.values()].sort((a, b) => a.gpus - b.gpus || a.cpus - b.cpus);
}

function nameOfSize({ cpus, memoryMiB, gpus }: Pick<Size, 'cpus' | 'memoryMiB' | 'gpus'>): string {
  const memory = memoryMiB >= 1_024 ? `${Math.round(memoryMiB / 102.4) / 10} GiB` : `${memoryMiB} MiB`;
  return `${cpus} CPU, ${memory}${gpus > 0 ? `, ${gpus} GPU` : ''}`;
}
