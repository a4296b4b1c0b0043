import type { ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import { bareMetalSizes } from './bare-metal/sizes.ts';
import type { Cloud } from './cloud.ts';
import { architectureOf } from './images.ts';
import { flavorSizes } from './sizes.ts';
import { describedBy } from './tags.ts';

const imageSchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  architecture: z.string().optional(),
});
const networkSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  'router:external': z.boolean().default(false),
});
const zonesSchema = z.object({
  availabilityZoneInfo: z.array(
    z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) }),
  ),
});
const volumeTypeSchema = z.object({ id: z.string(), name: z.string() });

export async function readCatalog(
  cloud: Cloud,
  offers: { readonly volumes: boolean; readonly bareMetal: boolean },
  signal: AbortSignal,
): Promise<ProviderCatalog> {
  const [images, flavors, nodes, zones, networks, volumeTypes] = await Promise.all([
    cloud
      .service('image')
      .list({ path: '/images', key: 'images', query: { status: 'active' }, signal }, imageSchema),
    flavorSizes(cloud, signal),
    offers.bareMetal ? bareMetalSizes(cloud, signal) : [],
    cloud.service('compute').ask({ method: 'GET', path: '/os-availability-zone', signal }, zonesSchema),
    cloud.service('network').list({ path: '/networks', key: 'networks', signal }, networkSchema),
    offers.volumes
      ? cloud.service('volume').list({ path: '/types', key: 'volume_types', signal }, volumeTypeSchema)
      : [],
  ]);
  return {
    images: images.map(({ id, name, architecture }) => ({
      id,
      name: name ?? '',
      architecture: architectureOf(architecture),
    })),
    sizes: [...flavors, ...nodes],
    zones: zones.availabilityZoneInfo
      .filter(({ zoneState }) => zoneState.available)
      .map(({ zoneName }) => zoneName),
    networks: networks
      .filter(({ description }) => describedBy(description) === undefined)
      .map((network) => ({ id: network.id, name: network.name, isExternal: network['router:external'] })),
    volumeTypes: volumeTypes.map(({ name }) => name),
  };
}
