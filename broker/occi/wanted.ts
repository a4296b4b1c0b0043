import { AppError } from '@medusa/protocol';
import type { NewInstance, NewLink, Note } from './backend.ts';
import { isLinkKind, type Context } from './context.ts';
import {
  checkAttributes,
  checkMixins,
  completed,
  definitionsOf,
  identifierOf,
  type Attributes,
  type EntityRendering,
  type Fault,
  type Kind,
  type LinkRendering,
  type Mixin,
} from './model/index.ts';

/** What a client wants, checked, and what of it the backend never sees. */
export type Wanted = {
  readonly instance: NewInstance;
  readonly note: Note;
  /** Links that are made when their source is there. */
  readonly linksAfter: readonly NewLink[];
};

/** The id that the client gave, in the address or in the rendering. */
export function wantedId({ attributes }: EntityRendering): string | null {
  const id = attributes.get('occi.core.id');
  return id === undefined ? null : String(id);
}

/** Checks a whole rendering of a new instance. Throws `request.malformed` with a message for each fault. */
export function checkNew(context: Context, kind: Kind, entity: EntityRendering): Wanted {
  if (entity.kind !== identifierOf(kind))
    refuse([{ name: 'kind', message: `is ${identifierOf(kind)} at this location` }]);
  const { registry, userMixins } = context;
  const mixins = mixinsOf(context, kind, entity.mixins);
  const definitions = definitionsOf(kind, mixins, registry);
  const { attributes, faults } = completed(checkAttributes(entity.attributes, definitions), definitions);
  refuse(faults);
  const links = entity.links.map((link) => newLink(context, link));
  const { linksAtBirth } = context.backend(kind);
  const own = mixins.map(identifierOf);
  return {
    instance: {
      id: null,
      mixins: own.filter((mixin) => !userMixins.has(mixin)),
      attributes: withPaths(context, kind, withoutNote(attributes)),
      links: links.filter((link) => linksAtBirth.includes(link.kind)),
    },
    note: noteOf(
      attributes,
      own.filter((mixin) => userMixins.has(mixin)),
    ),
    linksAfter: links.filter((link) => !linksAtBirth.includes(link.kind)),
  };
}

export type Change = {
  /** Attributes that differ from what is there, for the backend. */
  readonly changes: Attributes;
  /** All that were given, title and summary too. */
  readonly given: Attributes;
  /** Mixins that were given; those of users and those of the server. */
  readonly mixins: readonly string[];
  /** Those that are not there yet. */
  readonly newLinks: readonly NewLink[];
};

/** What a client wants to be otherwise, checked. */
export function checkChange(
  context: Context,
  kind: Kind,
  { entity, present }: { readonly entity: EntityRendering; readonly present: EntityRendering },
): Change {
  if (entity.kind !== null && entity.kind !== identifierOf(kind))
    refuse([{ name: 'kind', message: 'cannot change' }]);
  const { registry } = context;
  const mixins = mixinsOf(context, kind, [...new Set([...present.mixins, ...entity.mixins])]);
  const { attributes, faults } = checkAttributes(entity.attributes, definitionsOf(kind, mixins, registry));
  refuse(faults);
  const changes = [...withoutNote(attributes)].filter(
    ([name, value]) => present.attributes.get(name) !== value,
  );
  return {
    changes: withPaths(context, kind, new Map(changes)),
    given: attributes,
    mixins: entity.mixins,
    newLinks: entity.links.filter(({ self }) => self === null).map((link) => newLink(context, link)),
  };
}

/** Checks the arguments of an action. */
export function checkCall(attributes: Attributes, definitions: Kind['attributes']): Attributes {
  const all = new Map(Object.entries(definitions));
  const checked = completed(checkAttributes(attributes, all), all);
  refuse(checked.faults);
  return checked.attributes;
}

function refuse(faults: readonly Fault[]): void {
  const [first] = faults;
  if (!first) return;
  const errors = faults.map(({ name, message }) => ({ pointer: `/attributes/${name}`, message }));
  throw new AppError('request.malformed', `${first.name} ${first.message}`, { errors });
}

function mixinsOf(context: Context, kind: Kind, identifiers: readonly string[]): readonly Mixin[] {
  const { registry } = context;
  const mixins = identifiers.flatMap((identifier) => registry.mixin(identifier) ?? []);
  const unknown = identifiers.filter((identifier) => !registry.mixin(identifier));
  refuse(unknown.map((name) => ({ name, message: 'is no mixin here' })));
  refuse(checkMixins(kind, mixins, registry));
  return mixins;
}

function newLink(context: Context, link: LinkRendering): NewLink {
  const kind = link.kind === null ? undefined : context.registry.kind(link.kind);
  if (!kind || !isLinkKind(kind))
    throw new AppError('request.malformed', 'A link has the kind of a link as its category');
  const mixins = mixinsOf(context, kind, link.mixins);
  const { attributes, faults } = checkAttributes(
    link.attributes,
    definitionsOf(kind, mixins, context.registry),
  );
  refuse(faults);
  return {
    ...{ kind: identifierOf(kind), target: entityPath(context, link.target), attributes },
    mixins: mixins.map(identifierOf),
  };
}

const noteNames = ['occi.core.title', 'occi.core.summary'];

function withoutNote(attributes: Attributes): Attributes {
  return new Map([...attributes].filter(([name]) => !noteNames.includes(name)));
}

function noteOf(attributes: Attributes, mixins: readonly string[]): Note {
  const [title = null, summary = null] = noteNames.map((name) => textAt(attributes, name));
  return { title, summary, mixins };
}

/** null = it was not given. */
export function textAt(attributes: Attributes, name: string): string | null {
  const value = attributes.get(name);
  return value === undefined ? null : String(value);
}

const ends = ['occi.core.source', 'occi.core.target'];

function entityPath(context: Context, reference: string): string {
  return context.path(reference).replace(/\/$/, '');
}

function withPaths(context: Context, kind: Kind, attributes: Attributes): Attributes {
  if (!isLinkKind(kind)) return attributes;
  return new Map(
    [...attributes].map(([name, value]) => [
      name,
      ends.includes(name) ? entityPath(context, String(value)) : value,
    ]),
  );
}
