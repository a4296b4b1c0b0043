import { AppError } from '@medusa/protocol';
import { emptyNote, type NewInstance, type NewLink, type OcciBackend } from './backend.ts';
import { entityOf, requireChange, type Context, type Entity } from './context.ts';
import type { EntityRendering, Kind } from './model/index.ts';
import { methodRefused } from './refusal.ts';
import { checkNew, type Wanted } from './wanted.ts';

/**
 * Makes all that a request asks for, or nothing: everything is checked before the first is made, and what was made goes again
 * when a later one fails (GFD.229 §3.6.7).
 */
export async function createAll(
  context: Context,
  kind: Kind,
  wishes: readonly { readonly entity: EntityRendering; readonly id: string | null }[],
): Promise<readonly Entity[]> {
  const backend = context.backend(kind);
  requireChange(backend, context.by);
  const wanted = wishes.map(({ entity, id }) => ({ id, ...checkNew(context, kind, entity) }));
  return madeOrUndone(context, async (made) => {
    const sources: Entity[] = [];
    for (const one of wanted) sources.push(await createOne(context, backend, { ...one, made }));
    return sources;
  });
}

/** The links that a change of their source asks for. */
export async function createLinks(
  context: Context,
  source: Entity,
  links: readonly NewLink[],
): Promise<void> {
  const wanted = links.map((link) => ({ link, backend: linkBackendOf(context, link) }));
  await madeOrUndone(context, async (made) => {
    for (const { link, backend } of wanted) made.push(await make(context, backend, linkOf(source, link)));
  });
}

async function createOne(
  context: Context,
  backend: OcciBackend,
  { id, instance, note, linksAfter, made }: Wanted & { readonly id: string | null; readonly made: Entity[] },
): Promise<Entity> {
  const links = linksAfter.map((link) => ({ link, backend: linkBackendOf(context, link) }));
  const source = await make(context, backend, { ...instance, id });
  made.push(source);
  await context.deps.store.change([source.path], () => note);
  for (const one of links) made.push(await make(context, one.backend, linkOf(source, one.link)));
  return source;
}

async function make({ by }: Context, backend: OcciBackend, wanted: NewInstance): Promise<Entity> {
  if (!backend.create) throw methodRefused('Nothing is created here', []);
  return entityOf(backend, await backend.create(wanted, by));
}

function linkBackendOf(context: Context, { kind }: NewLink): OcciBackend {
  const linkKind = context.registry.kind(kind);
  const backend = linkKind && context.backend(linkKind);
  if (!backend?.create) throw new AppError('request.malformed', `Links of ${kind} are not made here`);
  requireChange(backend, context.by);
  return backend;
}

function linkOf(source: Entity, { target, mixins, attributes }: NewLink): NewInstance {
  const ends = [
    ['occi.core.source', source.path],
    ['occi.core.target', target],
  ] as const;
  return { id: null, mixins, links: [], attributes: new Map([...attributes, ...ends]) };
}

async function madeOrUndone<Value>(
  { by, deps }: Context,
  work: (made: Entity[]) => Promise<Value>,
): Promise<Value> {
  const made: Entity[] = [];
  try {
    return await work(made);
  } catch (error) {
    await undo({ by, deps }, made).catch((remains: unknown) => {
      throw new AggregateError([error, remains], 'It failed, and what was made could not be taken back');
    });
    throw error;
  }
}

async function undo({ by, deps }: Pick<Context, 'by' | 'deps'>, made: readonly Entity[]): Promise<void> {
  for (const { backend, path, instance } of made.toReversed()) {
    await backend.delete?.(instance.id, by);
    await deps.store.change([path], () => emptyNote);
  }
}
