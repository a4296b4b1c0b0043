import { AppError } from '@medusa/protocol';
import { emptyNote, type Note, type OcciBackend } from './backend.ts';
import { entityOf, requireChange, requireRead, type Context, type Entity } from './context.ts';
import { createAll, createLinks } from './create.ts';
import {
  splitIdentifier,
  type ActionCall,
  type EntityRendering,
  type Kind,
  type LocatedEntity,
} from './model/index.ts';
import { methodRefused } from './refusal.ts';
import type { OcciReply, OcciRequest } from './request.ts';
import { checkCall, checkChange, textAt, wantedId } from './wanted.ts';

type At = { readonly kind: Kind; readonly id: string };

/** Requests to one instance (GFD.223 §8). */
export async function answerEntity(context: Context, at: At, request: OcciRequest): Promise<OcciReply> {
  const backend = context.backend(at.kind);
  requireRead(backend, context.by);
  switch (request.method) {
    case 'GET':
      return shown(context, await find(context, at));
    case 'PUT':
      return put(context, at, request);
    case 'POST':
      return request.query.has('action') ? act(context, at, request) : update(context, at, request);
    case 'DELETE': {
      await deleteEntity(context, await find(context, at));
      return { status: 200, location: null, body: { what: 'done' } };
    }
    default:
      throw methodRefused('An instance is not asked like this', allowedOn(backend));
  }
}

async function find(context: Context, { kind, id }: At): Promise<Entity> {
  const backend = context.backend(kind);
  const instance = await backend.get(id, context.by);
  if (!instance) throw new AppError('resource.unknown', 'There is no such instance');
  return entityOf(backend, instance);
}

async function shown(context: Context, entity: Entity): Promise<OcciReply> {
  return { status: 200, location: null, body: { what: 'entity', located: await rendered(context, entity) } };
}

async function rendered(context: Context, entity: Entity): Promise<LocatedEntity> {
  const [located] = await context.render([entity]);
  if (!located) throw new AppError('resource.unknown', 'There is no such instance');
  return located;
}

/** Creates it under this id, or replaces what is there; asked again, it changes nothing. */
async function put(context: Context, at: At, request: OcciRequest): Promise<OcciReply> {
  const entity = oneEntity(request);
  const backend = context.backend(at.kind);
  const id = wantedId(entity);
  if (id !== null && id !== at.id)
    throw new AppError('request.malformed', 'occi.core.id is not the id at this location');
  const instance = await backend.get(at.id, context.by);
  if (instance) return change(context, entityOf(backend, instance), { entity, isReplacement: true });
  if (!backend.takesIds || !backend.create)
    throw methodRefused('Ids are not chosen here', allowedOn(backend));
  const [made] = await createAll(context, at.kind, [{ entity, id: at.id }]);
  if (!made) throw new AppError('resource.unknown', 'There is no such instance');
  const located = await rendered(context, made);
  return { status: 201, location: located.location, body: { what: 'collection', entities: [located] } };
}

async function update(context: Context, at: At, request: OcciRequest): Promise<OcciReply> {
  return change(context, await find(context, at), { entity: oneEntity(request), isReplacement: false });
}

/** A replacement clears what was not given; links stay (GFD.223 §8.2.2). */
async function change(
  context: Context,
  present: Entity,
  { entity, isReplacement }: { readonly entity: EntityRendering; readonly isReplacement: boolean },
): Promise<OcciReply> {
  const { backend, instance, path } = present;
  const { by, deps, userMixins } = context;
  requireChange(backend, by);
  if (!backend.update) throw methodRefused('This is not changed by clients', allowedOn(backend));
  const { entity: before } = await rendered(context, present);
  const { changes, given, mixins, newLinks } = checkChange(context, backend.kind, {
    entity,
    present: before,
  });
  const foreign = mixins.filter((mixin) => !userMixins.has(mixin) && !before.mixins.includes(mixin));
  if (foreign.length > 0)
    throw new AppError('resource.conflict', `${foreign.join(', ')} can only be given when it is created`);
  const after = changes.size > 0 ? await backend.update(instance.id, changes, by) : instance;
  const own = mixins.filter((mixin) => userMixins.has(mixin));
  const [title, summary] = ['occi.core.title', 'occi.core.summary'].map((name) => textAt(given, name));
  await deps.store.change([path], (note): Note => {
    const kept = isReplacement ? emptyNote : note;
    return {
      title: title ?? kept.title,
      summary: summary ?? kept.summary,
      mixins: [...new Set([...kept.mixins, ...own])],
    };
  });
  if (!isReplacement) await createLinks(context, present, newLinks);
  return shown(context, entityOf(backend, after));
}

async function act(context: Context, at: At, request: OcciRequest): Promise<OcciReply> {
  const entity = await find(context, at);
  return shown(context, await callOne(context, entity, callOf(request)));
}

export type CallRequest = { readonly term: string; readonly call: ActionCall | null };

/** The term in the address; the rendering in the body must not name another (GFD.223 §8.3.2). */
export function callOf({ query, payload }: OcciRequest): CallRequest {
  const term = query.get('action') ?? '';
  const { call } = payload;
  if (call && splitIdentifier(call.action).term !== term)
    throw new AppError('request.malformed', `The address asks for ${term}, the body for ${call.action}`);
  return { term, call };
}

/** Calls an action of an instance's kind. One that the kind has not is answered with 405, as for things that are not ours. */
export async function callOne(
  context: Context,
  entity: Entity,
  { term, call }: CallRequest,
): Promise<Entity> {
  const { backend, instance } = entity;
  requireChange(backend, context.by);
  const action = backend.actions.includes(term) && backend.kind.actions.find((one) => one.term === term);
  if (!action || !backend.act)
    throw methodRefused(`${backend.kind.term} has no action ${term}`, allowedOn(backend));
  const attributes = checkCall(call?.attributes ?? new Map(), action.attributes);
  return entityOf(backend, await backend.act(instance.id, { term, attributes }, context.by));
}

export async function deleteEntity(
  { by, deps }: Context,
  { backend, instance, path }: Entity,
): Promise<void> {
  requireChange(backend, by);
  if (!backend.delete) throw methodRefused('This is not deleted by clients', allowedOn(backend));
  await backend.delete(instance.id, by);
  await deps.store.change([path], () => emptyNote);
}

function oneEntity({ payload }: OcciRequest): EntityRendering {
  const [entity, ...more] = payload.entities;
  if (!entity || more.length > 0)
    throw new AppError('request.malformed', 'The rendering of one instance is needed');
  return entity;
}

function allowedOn(backend: OcciBackend): string[] {
  return [
    'GET',
    ...(backend.update ? ['PUT', 'POST'] : backend.act ? ['POST'] : []),
    ...(backend.delete ? ['DELETE'] : []),
  ];
}
