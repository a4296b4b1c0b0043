import { z } from 'zod';
import { ProviderError } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';

/**
 * Administrators write names where a pool spans several clouds, as ids differ from one to the next. Names are not unique in
 * OpenStack (flavors' are): two of one name are refused, as taking either would be a guess.
 */
const named = z.object({ id: z.string(), name: z.string().nullable() });
const uuid = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** The specs are told since 2.61, to who may see them. */
const flavor = named.extend({ extra_specs: z.record(z.string(), z.string()).default({}) });
export type Flavor = z.infer<typeof flavor>;

export async function findFlavor(cloud: Cloud, idOrName: string, signal: AbortSignal): Promise<Flavor> {
  const compute = cloud.service('compute');
  const path = `/flavors/${encodeURIComponent(idOrName)}`;
  const found = await compute.find(path, z.object({ flavor }), signal);
  if (found) return found.flavor;
  const flavors = await compute.list({ path: '/flavors/detail', key: 'flavors', signal }, flavor);
  return only('flavor', idOrName, flavors);
}

export async function findImage(cloud: Cloud, idOrName: string, signal: AbortSignal): Promise<string> {
  if (uuid.test(idOrName)) return idOrName;
  const query = { name: idOrName, status: 'active' };
  const images = await cloud.service('image').list({ path: '/images', key: 'images', query, signal }, named);
  return only('image', idOrName, images).id;
}

export async function findNetwork(cloud: Cloud, idOrName: string, signal: AbortSignal): Promise<string> {
  if (uuid.test(idOrName)) return idOrName;
  const query = { name: idOrName };
  const all = await cloud
    .service('network')
    .list({ path: '/networks', key: 'networks', query, signal }, named);
  return only('network', idOrName, all).id;
}

/** The pool that floating addresses come from, and the way out of routers. */
export async function findExternalNetwork(
  cloud: Cloud,
  idOrName: string | null,
  signal: AbortSignal,
): Promise<string> {
  if (idOrName !== null) return findNetwork(cloud, idOrName, signal);
  const query = { 'router:external': 'true' };
  const external = await cloud
    .service('network')
    .list({ path: '/networks', key: 'networks', query, signal }, named);
  const [one, another] = external;
  if (!one) throw new ProviderError('invalid', 'The cloud shows no external network');
  if (another)
    throw new ProviderError('invalid', 'There are several external networks: one must be configured');
  return one.id;
}

function only<T extends z.infer<typeof named>>(what: string, name: string, all: readonly T[]): T {
  const matches = all.filter((candidate) => candidate.name === name);
  const [one, another] = matches;
  if (!one) throw new ProviderError('not-found', `There is no ${what} ${name}`);
  if (another)
    throw new ProviderError('invalid', `${matches.length} ${what}s are called ${name}: give the id`);
  return one;
}
