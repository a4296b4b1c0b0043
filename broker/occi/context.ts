import { AppError } from '@medusa/protocol';
import { hasAnyRole } from '../identity/index.ts';
import {
  emptyNote,
  type Instance,
  type Note,
  type OcciBackend,
  type OcciCaller,
  type OcciStore,
} from './backend.ts';
import {
  createRegistry,
  coreKinds,
  identifierOf,
  type EntityRendering,
  type Kind,
  type LinkRendering,
  type LocatedEntity,
  type Mixin,
  type OcciValue,
  type Registry,
} from './model/index.ts';
import { pathOf, targetOf, uriOf, type Root } from './place.ts';

export type OcciServerDeps = {
  readonly root: Root;
  readonly backends: readonly OcciBackend[];
  /** Of the server, apart from those that users define: images and sizes come and go. */
  mixins(): Promise<readonly Mixin[]>;
  readonly store: OcciStore;
};

/** What one request sees: the categories of this moment, and what the caller may. */
export type Context = {
  readonly deps: OcciServerDeps;
  readonly registry: Registry;
  readonly by: OcciCaller;
  /** Identifiers of the mixins that users defined. */
  readonly userMixins: ReadonlySet<string>;
  backend(kind: Kind): OcciBackend;
  /** From a client's reference to a path. */
  path(reference: string): string;
  /** As they are now, with title, tags and links. */
  render(entities: readonly Entity[]): Promise<readonly LocatedEntity[]>;
};

/** An instance and where it is, below the root of OCCI. */
export type Entity = { readonly backend: OcciBackend; readonly path: string; readonly instance: Instance };

export async function openContext(
  deps: OcciServerDeps,
  { by, host }: { readonly by: OcciCaller; readonly host: string | undefined },
): Promise<Context> {
  const [mixins, users] = await Promise.all([deps.mixins(), deps.store.mixins()]);
  const backends = new Map(deps.backends.map((backend) => [identifierOf(backend.kind), backend]));
  const registry = createRegistry([...coreKinds, ...deps.backends.map(publishedKind)], [...mixins, ...users]);
  return {
    ...{ deps, registry, by },
    userMixins: new Set(users.map(identifierOf)),
    backend(kind) {
      const backend = backends.get(identifierOf(kind));
      if (!backend) throw new AppError('route.unknown', 'There is nothing at this address');
      return backend;
    },
    path: (reference) => pathOf(deps.root, host, reference),
    async render(entities) {
      if (entities.length === 0) return [];
      const [notes, links] = await Promise.all([deps.store.notes(), linksBySource(deps, by)]);
      const parts = { root: deps.root, registry, notes, links };
      return entities.map((entity) => locatedOf(entity, parts));
    },
  };
}

/** A kind with those of its actions that work. */
function publishedKind({ kind, actions }: OcciBackend): Kind {
  return { ...kind, actions: kind.actions.filter(({ term }) => actions.includes(term)) };
}

export function entityOf(backend: OcciBackend, instance: Instance): Entity {
  return { backend, instance, path: `${backend.kind.location ?? '/'}${instance.id}` };
}

export function canRead({ access }: OcciBackend, { user }: OcciCaller): boolean {
  return hasAnyRole(user, access.read);
}

export function requireRead(backend: OcciBackend, by: OcciCaller): void {
  if (!canRead(backend, by)) throw new AppError('access.refused', 'Your role does not allow this');
}

export function requireChange(backend: OcciBackend, { user }: OcciCaller): void {
  if (!hasAnyRole(user, backend.access.change))
    throw new AppError('access.refused', 'Your role does not allow this');
}

type LinksBySource = ReadonlyMap<string, readonly Entity[]>;

async function linksBySource({ backends }: OcciServerDeps, by: OcciCaller): Promise<LinksBySource> {
  const ofLinks = backends.filter((backend) => isLinkKind(backend.kind) && canRead(backend, by));
  const lists = await Promise.all(
    ofLinks.map(async (backend) => (await backend.list(by)).map((instance) => entityOf(backend, instance))),
  );
  return Map.groupBy(lists.flat(), ({ instance }) => String(instance.attributes.get('occi.core.source')));
}

export function isLinkKind({ attributes }: Kind): boolean {
  return 'occi.core.source' in attributes;
}

type Parts = {
  readonly root: Root;
  readonly registry: Registry;
  readonly notes: ReadonlyMap<string, Note>;
  readonly links: LinksBySource;
};

const ends = ['occi.core.source', 'occi.core.target'];

function locatedOf(entity: Entity, parts: Parts): LocatedEntity {
  const { backend, instance, path } = entity;
  const { root, notes, links } = parts;
  const note = notes.get(path) ?? emptyNote;
  const core: [string, OcciValue | null | undefined][] = [
    ['occi.core.id', instance.id],
    ['occi.core.title', note.title ?? instance.attributes.get('occi.core.title')],
    ['occi.core.summary', note.summary ?? instance.attributes.get('occi.core.summary')],
  ];
  const known = core.filter((one): one is [string, OcciValue] => one[1] !== null && one[1] !== undefined);
  const rest = [...instance.attributes]
    .filter(([name]) => !core.some(([of]) => of === name))
    .map(([name, value]): [string, OcciValue] => [
      name,
      ends.includes(name) ? `${root.mount}${String(value)}` : value,
    ]);
  const published = backend.kind.actions.filter(({ term }) => backend.actions.includes(term));
  const rendering: EntityRendering = {
    kind: identifierOf(backend.kind),
    mixins: [...instance.mixins, ...note.mixins],
    attributes: new Map([...known, ...rest]),
    links: (links.get(path) ?? []).map((link) => linkOf(link, parts)),
    actions: published.filter(({ term }) => instance.actions.includes(term)).map(identifierOf),
  };
  return { location: uriOf(root, path), entity: rendering };
}

function linkOf(link: Entity, { root, notes, registry }: Parts): LinkRendering {
  const { backend, instance, path } = link;
  const target = String(instance.attributes.get('occi.core.target'));
  return {
    target: `${root.mount}${target}`,
    rel: kindAt(registry, target),
    self: `${root.mount}${path}`,
    kind: identifierOf(backend.kind),
    mixins: [...instance.mixins, ...(notes.get(path)?.mixins ?? [])],
    attributes: new Map([
      ['occi.core.id', instance.id],
      ...[...instance.attributes].filter(([name]) => !ends.includes(name)),
    ]),
  };
}

function kindAt(registry: Registry, path: string): string | null {
  const target = targetOf(path, registry);
  return target.what === 'entity' ? identifierOf(target.kind) : null;
}
