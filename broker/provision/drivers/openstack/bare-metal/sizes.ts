import type { ProviderCatalog } from '@medusa/protocol';
import type { Cloud } from '../cloud.ts';
import { architectureOf } from '../images.ts';
import { nodesOf } from './ironic.ts';

export const sizePrefix = 'baremetal:';

/** Each resource class as a size: as large as the smallest of its nodes. */
export async function bareMetalSizes(cloud: Cloud, signal: AbortSignal): Promise<ProviderCatalog['sizes']> {
  const classes = Map.groupBy(await nodesOf(cloud, signal), ({ resource_class: name }) => name ?? '');
  classes.delete('');
  return [...classes].map(([name, nodes]) => {
    const least = (read: (node: (typeof nodes)[number]) => number | undefined): number =>
      Math.min(...nodes.map((node) => read(node) ?? 0));
    return {
      id: sizePrefix + name,
      name: `${name} (bare metal)`,
      cpus: least(({ properties }) => properties.cpus),
      memoryMiB: least(({ properties }) => properties.memory_mb),
      diskGiB: least(({ properties }) => properties.local_gb),
      gpu: null,
      encoder: null,
      architecture: architectureOf(nodes[0]?.properties.cpu_arch),
    };
  });
}

/** Nodes that somebody has, or that cannot be had (being cleaned, failed, in maintenance), count as used. */
export async function bareMetalUse(
  cloud: Cloud,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { used: number; total: number }>> {
  const uses = new Map<string, { used: number; total: number }>();
  for (const node of await nodesOf(cloud, signal)) {
    const name = node.resource_class ?? '';
    const { used, total } = uses.get(name) ?? { used: 0, total: 0 };
    const isFree = node.provision_state === 'available' && !node.maintenance && node.instance_uuid == null;
    uses.set(name, { used: used + (isFree ? 0 : 1), total: total + 1 });
  }
  return uses;
}
