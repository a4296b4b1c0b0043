import { AppError } from '@medusa/protocol';
import type { OcciBackend } from './backend.ts';
import { canRead, entityOf, requireChange, requireRead, type Context, type Entity } from './context.ts';
import { createAll } from './create.ts';
import { callOf, callOne, deleteEntity } from './entity-requests.ts';
import { filterOf, matches, pageOf } from './filter.ts';
import { identifierOf, type Kind, type LocatedEntity, type Mixin } from './model/index.ts';
import { targetOf } from './place.ts';
import { methodRefused } from './refusal.ts';
import { emptyPayload, type OcciPayload } from './rendering/index.ts';
import type { OcciReply, OcciRequest } from './request.ts';
import { wantedId } from './wanted.ts';

/** Requests to all instances of a kind (GFD.223 §9). */
export async function answerKind(context: Context, kind: Kind, request: OcciRequest): Promise<OcciReply> {
  const backend = context.backend(kind);
  requireRead(backend, context.by);
  switch (request.method) {
    case 'GET':
      return listed(context, [backend], { request });
    case 'POST':
      return request.query.has('action')
        ? actOnAll(context, [backend], { request })
        : create(context, kind, request);
    case 'DELETE': {
      requireChange(backend, context.by);
      if (!backend.delete) throw methodRefused('These are not deleted by clients', allowedOn(backend));
      for (const { entity } of await chosenOf(context, [backend], request))
        await deleteEntity(context, entity);
      return { status: 200, location: null, body: { what: 'done' } };
    }
    default:
      throw methodRefused('A collection of a kind is not replaced', allowedOn(backend));
  }
}

/** Requests to all instances that have a mixin: only those of users are given and taken. */
export async function answerMixin(context: Context, mixin: Mixin, request: OcciRequest): Promise<OcciReply> {
  const isOfUser = context.userMixins.has(identifierOf(mixin));
  const { method } = request;
  if (method === 'GET') return listed(context, readable(context), { request, mixin });
  if (method === 'POST' && request.query.has('action'))
    return actOnAll(context, readable(context), { request, mixin });
  if (!isOfUser) throw methodRefused('Only mixins that users defined are given and taken', ['GET', 'POST']);
  if (method !== 'POST' && method !== 'PUT' && method !== 'DELETE')
    throw methodRefused('Nothing else can be done to a mixin', ['GET', 'POST', 'PUT', 'DELETE']);
  return associate(context, mixin, { ...request, method });
}

/** All instances in collections at or below a path (GFD.223 §4.1). */
export async function answerUnbound(
  context: Context,
  path: string,
  request: OcciRequest,
): Promise<OcciReply> {
  if (request.method !== 'GET') throw methodRefused('This path is no collection of its own', ['GET']);
  const { registry } = context;
  const below = registry.below(path).map(identifierOf);
  const mixins = registry.mixins.filter(({ location }) => location.startsWith(path)).map(identifierOf);
  const isBelow = ({ entity }: LocatedEntity): boolean =>
    (entity.kind !== null && below.includes(entity.kind)) ||
    entity.mixins.some((one) => mixins.includes(one));
  const all = await chosenOf(context, readable(context), request);
  return collection(pageOf(all.map(({ located }) => located).filter(isBelow), request.query));
}

function readable({ deps, by }: Context): readonly OcciBackend[] {
  return deps.backends.filter((backend) => canRead(backend, by));
}

function collection(entities: readonly LocatedEntity[]): OcciReply {
  return { status: 200, location: null, body: { what: 'collection', entities } };
}

async function listed(
  context: Context,
  backends: readonly OcciBackend[],
  { request, mixin }: Asked,
): Promise<OcciReply> {
  const all = await chosenOf(context, backends, { payload: request.payload, mixin });
  return collection(
    pageOf(
      all.map(({ located }) => located),
      request.query,
    ),
  );
}

type Asked = { readonly request: OcciRequest; readonly mixin?: Mixin };

type Chosen = { readonly entity: Entity; readonly located: LocatedEntity };

/** In a lasting order, so that pages follow each other. */
async function chosenOf(
  context: Context,
  backends: readonly OcciBackend[],
  { payload, mixin }: { readonly payload: OcciPayload; readonly mixin?: Mixin | undefined },
): Promise<readonly Chosen[]> {
  const lists = await Promise.all(
    backends.map(async (backend) =>
      (await backend.list(context.by))
        .map((instance) => entityOf(backend, instance))
        .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ),
  );
  const entities = lists.flat();
  const located = await context.render(entities);
  const filter = filterOf(payload);
  const all = mixin ? { ...filter, mixins: [...filter.mixins, identifierOf(mixin)] } : filter;
  return entities.flatMap((entity, index) => {
    const one = located[index];
    return one && matches(one.entity, all, context.registry) ? [{ entity, located: one }] : [];
  });
}

async function create(context: Context, kind: Kind, { payload }: OcciRequest): Promise<OcciReply> {
  const backend = context.backend(kind);
  if (!backend.create) throw methodRefused('Nothing is created here', allowedOn(backend));
  if (payload.entities.length === 0)
    throw new AppError('request.malformed', 'The rendering of an instance is needed');
  const wishes = payload.entities.map((entity) => ({
    entity,
    id: backend.takesIds ? wantedId(entity) : null,
  }));
  const entities = await context.render(await createAll(context, kind, wishes));
  return { status: 201, location: entities[0]?.location ?? null, body: { what: 'collection', entities } };
}

/** Every instance is asked for first: an action that one of them has not is done to none. */
async function actOnAll(
  context: Context,
  backends: readonly OcciBackend[],
  { request, mixin }: Asked,
): Promise<OcciReply> {
  const { call, term } = callOf(request);
  const all = await chosenOf(context, backends, { payload: emptyPayload, mixin });
  for (const backend of new Set([...(mixin ? [] : backends), ...all.map(({ entity }) => entity.backend)])) {
    requireChange(backend, context.by);
    if (!backend.actions.includes(term))
      throw methodRefused(`${backend.kind.term} has no action ${term}`, ['GET']);
  }
  const done: Entity[] = [];
  for (const { entity } of all) done.push(await callOne(context, entity, { term, call }));
  return collection(await context.render(done));
}

type Associating = OcciRequest & { readonly method: 'POST' | 'PUT' | 'DELETE' };

/** POST adds the named instances, PUT makes them all that there are, DELETE takes them out: all of them if none is named. */
async function associate(
  context: Context,
  mixin: Mixin,
  { payload, method }: Associating,
): Promise<OcciReply> {
  const { deps } = context;
  const identifier = identifierOf(mixin);
  const named = new Set(payload.locations.map((reference) => context.path(reference).replace(/\/$/, '')));
  if (named.size === 0 && method === 'POST')
    throw new AppError('request.malformed', 'Locations of instances are needed');
  for (const path of named) await requireInstance(context, path);
  const notes = await deps.store.notes();
  const present = [...notes].flatMap(([path, note]) => (note.mixins.includes(identifier) ? [path] : []));
  const isAll = method === 'DELETE' && named.size === 0;
  const leaving =
    method === 'POST' ? [] : present.filter((path) => isAll || named.has(path) === (method === 'DELETE'));
  for (const path of leaving) await requireInstance(context, path);
  const entering = method === 'DELETE' ? [] : [...named];
  await deps.store.change([...leaving, ...entering], (note, path) => {
    const others = note.mixins.filter((one) => one !== identifier);
    return { ...note, mixins: leaving.includes(path) ? others : [...others, identifier] };
  });
  const all = await chosenOf(context, readable(context), { payload: emptyPayload, mixin });
  return collection(all.map(({ located }) => located));
}

/** It is there, and the caller may change it. */
async function requireInstance(context: Context, path: string): Promise<void> {
  const target = targetOf(path, context.registry);
  const backend = target.what === 'entity' ? context.backend(target.kind) : undefined;
  if (target.what !== 'entity' || !backend)
    throw new AppError('request.malformed', `There is no instance at ${path.slice(0, 200)}`);
  requireChange(backend, context.by);
  if (!(await backend.get(target.id, context.by)))
    throw new AppError('request.malformed', `There is no instance at ${path.slice(0, 200)}`);
}

function allowedOn(backend: OcciBackend): string[] {
  const canPost = 'create' in backend || 'act' in backend;
  return ['GET', ...(canPost ? ['POST'] : []), ...('delete' in backend ? ['DELETE'] : [])];
}
