import { AppError } from '@medusa/protocol';
import { hasAnyRole } from '../identity/index.ts';
import type { Context } from './context.ts';
import { identifiersIn } from './filter.ts';
import { chosen, identifierOf, mixinOf, type Mixin } from './model/index.ts';
import { methodRefused } from './refusal.ts';
import type { CategoryRendering } from './rendering/index.ts';
import type { OcciReply, OcciRequest } from './request.ts';

/** Requests to the query interface (GFD.223 §7): what there is, and mixins of users. */
export async function answerDiscovery(context: Context, request: OcciRequest): Promise<OcciReply> {
  const { registry } = context;
  switch (request.method) {
    case 'GET': {
      const categories = chosen(registry, identifiersIn(request.payload));
      return { status: 200, location: null, body: { what: 'categories', categories } };
    }
    case 'POST':
      return define(context, request);
    case 'DELETE':
      return remove(context, request);
    default:
      throw methodRefused('Categories are not replaced', ['GET', 'POST', 'DELETE']);
  }
}

const done: OcciReply = { status: 200, location: null, body: { what: 'done' } };

/** All of them, or none: each is checked before the first is stored. */
async function define(context: Context, { payload }: OcciRequest): Promise<OcciReply> {
  requireAdmin(context);
  const mixins = categoriesIn(payload.categories).map((category) => userMixinOf(context, category));
  for (const mixin of mixins) await context.deps.store.addMixin(mixin);
  return done;
}

async function remove(context: Context, { payload }: OcciRequest): Promise<OcciReply> {
  requireAdmin(context);
  const identifiers = categoriesIn(payload.categories).map(identifierOf);
  for (const identifier of identifiers) {
    if (context.userMixins.has(identifier)) continue;
    // GFD.229 §3.5.1: what the server itself has is not removed.
    if (context.registry.find(identifier))
      throw new AppError('access.refused', `${identifier} is the server's own`);
    throw new AppError('route.unknown', `There is no mixin ${identifier}`);
  }
  for (const identifier of identifiers) await context.deps.store.removeMixin(identifier);
  return done;
}

function requireAdmin({ by }: Context): void {
  if (!hasAnyRole(by.user, ['admin'])) throw new AppError('access.refused', 'Your role does not allow this');
}

function categoriesIn(categories: readonly CategoryRendering[]): readonly CategoryRendering[] {
  if (categories.length === 0 || categories.some((one) => one.class !== 'mixin'))
    throw new AppError('request.malformed', 'Mixins are needed, and nothing but mixins');
  return categories;
}

/** GFD.229 §3.5.1: term, scheme and location; attributes and actions of users are not supported. */
function userMixinOf(context: Context, category: CategoryRendering): Mixin {
  const { term, scheme, title, rel, location } = category;
  if (category.attributes.length > 0 || category.actions.length > 0)
    throw new AppError('request.malformed', 'A mixin of a user has neither attributes nor actions');
  const path = pathFor(context, location);
  requireFree(context, identifierOf(category), path);
  if (rel !== null && !context.registry.mixin(rel))
    throw new AppError('request.malformed', `There is no mixin ${rel}`);
  return mixinOf({ scheme, term, title: title ?? term, location: path, depends: rel === null ? [] : [rel] });
}

/** A user may define their own mixin anew, and nothing else that is there. */
function requireFree({ registry, userMixins }: Context, identifier: string, path: string): void {
  const other = registry.at(path);
  const isOthersPath = other !== undefined && identifierOf(other) !== identifier;
  // Paths below a kind's collection are those of its instances.
  const isInside = registry.kinds.some(
    ({ location }) => location !== null && path !== location && path.startsWith(location),
  );
  const isServers = registry.find(identifier) !== undefined && !userMixins.has(identifier);
  if ([isOthersPath, isInside, isServers].includes(true))
    throw new AppError('resource.conflict', `${identifier} or ${path} is taken`);
}

/** One or more names of letters, digits, hyphens and underscores, with slashes around. */
const folders = /^\/([A-Za-z0-9_-]+\/)+$/;

function pathFor(context: Context, location: string | null): string {
  if (location === null) throw new AppError('request.malformed', 'A mixin has a location');
  const path = context.path(location);
  if (!folders.test(path) || path.startsWith('/-/'))
    throw new AppError('request.malformed', 'The location of a mixin is a path that ends in /');
  return path;
}
