import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  type EndpointAnswer,
  type Item,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { parseJson, type Arm } from './arm.ts';
import type { Settings } from './settings.ts';

/** Pinned: an answer keeps the form that it was written for. */
export const apiVersions = {
  compute: '2024-07-01',
  disks: '2024-03-02',
  network: '2024-05-01',
  skus: '2021-07-01',
  gallery: '2024-03-03',
} as const;

export const resourceSchema = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.string()).nullish(),
});
export type Resource = z.infer<typeof resourceSchema>;

/** One type of resource in our resource group. Names are unique there, and are what others refer to. */
export type Collection<Thing extends Resource> = {
  /** The id at Azure of a name of ours, or of an id. */
  idOf(ref: string): string;
  url(ref: string, action?: string, query?: string): string;
  get(ref: string, signal: AbortSignal): Promise<Thing | undefined>;
  list(signal: AbortSignal): Promise<Thing[]>;
  /** Accepted, not done: see `Arm.finish`. */
  put(name: string, body: object, signal: AbortSignal): Promise<{ thing: Thing; answer: EndpointAnswer }>;
  /** Of what is absent succeeds (ARM answers 204). */
  delete(ref: string, signal: AbortSignal): Promise<EndpointAnswer | undefined>;
  post(ref: string, action: string, options: { body?: object; signal: AbortSignal }): Promise<EndpointAnswer>;
};

export type Context = { readonly arm: Arm; readonly settings: Settings };

export function openCollection<Thing extends Resource>(
  { arm, settings }: Context,
  { type, version, query = '' }: { type: string; version: string; query?: string },
  schema: z.ZodType<Thing>,
): Collection<Thing> {
  const { subscription, resourceGroup } = settings;
  const base = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${type}`;
  const idOf = (ref: string): string => (ref.startsWith('/') ? ref : `${base}/${encodeURIComponent(ref)}`);
  const url = (ref: string, action = '', more = ''): string =>
    `${idOf(ref)}${action}?api-version=${version}${more}`;
  const read = async (link: string, signal: AbortSignal): Promise<EndpointAnswer | undefined> => {
    try {
      return await arm.call({ method: 'GET', url: link }, signal);
    } catch (error) {
      if (isProviderFault(error, 'not-found')) return undefined;
      throw error;
    }
  };
  return {
    idOf,
    url,
    async get(ref, signal) {
      const answer = await read(url(ref, '', query), signal);
      return answer && parseJson(schema, answer.text);
    },
    list: async (signal) => listAll(arm, { url: `${base}?api-version=${version}`, schema }, signal),
    async put(name, body, signal) {
      const answer = await arm.call({ method: 'PUT', url: url(name), body }, signal);
      return { thing: parseJson(schema, answer.text), answer };
    },
    async delete(ref, signal) {
      try {
        return await arm.call({ method: 'DELETE', url: url(ref) }, signal);
      } catch (error) {
        if (isProviderFault(error, 'not-found')) return undefined;
        throw error;
      }
    },
    post: async (ref, action, { body, signal }) =>
      arm.call({ method: 'POST', url: url(ref, `/${action}`), ...(body && { body }) }, signal),
  };
}

/** All pages, each thing once. The endpoint refuses a `nextLink` that leads elsewhere. */
export async function listAll<Thing>(
  arm: Arm,
  { url, schema }: { url: string; schema: z.ZodType<Thing> },
  signal: AbortSignal,
): Promise<Thing[]> {
  const pageSchema = z.object({ value: z.array(z.unknown()), nextLink: z.string().nullish() });
  const found = new Map<string, Thing>();
  for (let next: string | null | undefined = url; next;) {
    const page: z.infer<typeof pageSchema> = parseJson(
      pageSchema,
      (await arm.call({ method: 'GET', url: next }, signal)).text,
    );
    for (const value of page.value) {
      const thing = parseJson(schema, JSON.stringify(value));
      found.set(JSON.stringify(thing), thing);
    }
    next = page.nextLink;
  }
  return [...found.values()];
}

const keys = { owner: 'medusa-owner', resource: 'medusa-resource', incarnation: 'medusa-incarnation' };

export const tagsOf = ({ owner, resource, incarnation }: OwnerTag): Record<string, string> => ({
  [keys.owner]: owner,
  [keys.resource]: resource,
  [keys.incarnation]: String(incarnation),
});

/** undefined: it is none of ours. */
export function tagOf({ tags }: Pick<Resource, 'tags'>): OwnerTag | undefined {
  const [owner, resource] = [tags?.[keys.owner], tags?.[keys.resource]];
  const incarnation = tags?.[keys.incarnation] ?? '';
  if (owner === undefined || resource === undefined || !/^\d+$/.test(incarnation)) return undefined;
  return { owner, resource, incarnation: Number(incarnation) };
}

export const isOwnedBy =
  (owner: string) =>
  (resource: Resource): boolean =>
    tagOf(resource)?.owner === owner;

const isSame = (one: OwnerTag | undefined, other: OwnerTag): boolean =>
  one?.owner === other.owner && one.resource === other.resource && one.incarnation === other.incarnation;

/**
 * A PUT on a name that is taken would change what is there. So it is looked first: what carries the tag is answered, anything else is
 * a conflict.
 */
export async function createOnce<Thing extends Resource>(
  collection: Pick<Collection<Thing>, 'get'>,
  { tag, name, operation }: { tag: OwnerTag; name: string; operation: Operation },
  create: () => Promise<Thing>,
): Promise<Thing> {
  const there = await collection.get(name, operation.signal);
  if (!there) return create();
  if (isSame(tagOf(there), tag)) return there;
  throw new ProviderError('conflict', `AlreadyExists: ${name} is taken`);
}

/** The common part of an item. */
export function itemOf(
  resource: Resource,
  life: Pick<Item, 'state' | 'detail'> & { createdAt?: Date | null },
): Item | undefined {
  const tag = tagOf(resource);
  const { state, detail, createdAt = null } = life;
  return tag && { ref: resource.name, name: resource.name, tag, state, detail, createdAt };
}

/** ARM's `provisioningState` of what is there or not, and does not run. */
export function lifeOf(provisioningState: string | null | undefined): Pick<Item, 'state' | 'detail'> {
  const detail = provisioningState ?? 'unknown';
  switch (detail) {
    case 'Succeeded':
      return { state: 'running', detail };
    case 'Creating':
    case 'Updating':
    case 'Accepted':
      return { state: 'pending', detail };
    case 'Deleting':
      return { state: 'stopping', detail };
    case 'Failed':
    case 'Canceled':
      return { state: 'error', detail };
    default:
      return { state: 'unknown', detail };
  }
}

/** The last part of an id. ARM does not keep the case of ids; names of ours are in lower case. */
export const nameOfId = (id: string): string => decodeURIComponent(id.split('/').at(-1) ?? '').toLowerCase();
