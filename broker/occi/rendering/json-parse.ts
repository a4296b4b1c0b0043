import { z } from 'zod';
import type { Attributes, EntityRendering, LinkRendering, OcciValue } from '../model/index.ts';
import {
  emptyPayload,
  isAttributeName,
  isScheme,
  isTerm,
  malformed,
  type CategoryRendering,
  type OcciPayload,
} from './payload.ts';

/** A location as such, or an object that has one: GFD.226 and the drafts before it differ. */
const endSchema = z.union([
  z.string().transform((location) => ({ location, kind: null })),
  z.object({ location: z.string(), kind: z.string().nullable().default(null) }),
]);
const idSchema = z.union([z.string(), z.number().transform(String)]);
const words = z.union([z.array(z.string()), z.string().transform((one) => [one])]);
const coreSchema = {
  kind: z.string().nullable().default(null),
  mixins: z.array(z.string()).default([]),
  attributes: z.record(z.string(), z.unknown()).default({}),
  id: idSchema.optional(),
  title: z.string().optional(),
  summary: z.string().optional(),
  location: z.string().nullable().default(null),
};
const linkSchema = z.object({ ...coreSchema, target: endSchema, rel: words.default([]) });
/** The drafts wrote actions as objects. */
const actionsSchema = z
  .array(z.union([z.string(), z.object({ category: z.string() }).transform(({ category }) => category)]))
  .default([]);
const entitySchema = z.object({
  ...coreSchema,
  source: endSchema.optional(),
  target: endSchema.optional(),
  links: z.array(linkSchema).default([]),
  actions: actionsSchema,
});
const noteSchema = z.object({ mutable: z.boolean().default(true), required: z.boolean().default(false) });
const categorySchema = z.object({
  term: z.string().refine(isTerm, 'no term'),
  scheme: z.string().refine(isScheme, 'no URI that ends in #'),
  title: z.string().nullable().default(null),
  parent: z.string().nullable().default(null),
  depends: z.array(z.string()).default([]),
  location: z.string().nullable().default(null),
  attributes: z.record(z.string(), noteSchema).default({}),
  actions: z.array(z.string()).default([]),
});
const callSchema = z.object({
  action: z.string(),
  attributes: z.record(z.string(), z.unknown()).default({}),
});
const membersSchema = z.object({
  resources: z.array(z.union([z.string(), entitySchema])).default([]),
  links: z.array(z.union([z.string(), entitySchema])).default([]),
  kinds: z.array(categorySchema).default([]),
  mixins: z.array(categorySchema).default([]),
  actions: z.array(categorySchema).default([]),
});

/**
 * `application/occi+json` (GFD.226), with attributes flat or nested: one instance, a collection, categories, or the call of an action.
 * Throws `request.malformed` with pointers (RFC 6901).
 */
export function parseJson(text: string): OcciPayload {
  const value = read(text);
  if (Array.isArray(value)) return { ...emptyPayload, locations: parse(z.array(z.string()), value) };
  const names = Object.keys(parse(z.record(z.string(), z.unknown()), value));
  if (names.includes('action')) return callOf(parse(callSchema, value));
  const isEntity = ['kind', 'attributes', 'id', 'title', 'summary'].some((name) => names.includes(name));
  if (isEntity) return { ...emptyPayload, ...singleOf(parse(entitySchema, value)) };
  return membersOf(parse(membersSchema, value));
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed('The body is not JSON', { cause, errors: [{ pointer: '', message: 'not JSON' }] });
  }
}

/** An answer must not be longer than what it answers. */
const mostFaults = 20;

function parse<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, mostFaults);
  const errors = issues.map(({ path, message }) => ({ pointer: pointerOf(path), message }));
  throw malformed('The body does not fit GFD.226', { errors });
}

function callOf({ action, attributes }: z.infer<typeof callSchema>): OcciPayload {
  return { ...emptyPayload, call: { action, attributes: flat(attributes, ['attributes']) } };
}

function singleOf(entity: z.infer<typeof entitySchema>): Pick<OcciPayload, 'entities'> {
  return { entities: [entityOf(entity, [])] };
}

function membersOf(members: z.infer<typeof membersSchema>): OcciPayload {
  const entities: EntityRendering[] = [];
  const locations: string[] = [];
  for (const name of ['resources', 'links'] as const)
    for (const [index, one] of members[name].entries()) {
      const location = typeof one === 'string' ? one : one.location;
      if (location !== null) locations.push(location);
      if (typeof one !== 'string') entities.push(entityOf(one, [name, index]));
    }
  const { kinds, mixins, actions } = members;
  const categories = [
    ...kinds.map((one) => categoryOf('kind', one)),
    ...mixins.map((one) => categoryOf('mixin', one)),
    ...actions.map((one) => categoryOf('action', one)),
  ];
  return { entities, locations, categories, call: null };
}

type Path = readonly (string | number)[];

function entityOf(entity: z.infer<typeof entitySchema>, path: Path): EntityRendering {
  const { kind, mixins, source, target, links, actions } = entity;
  return {
    ...{ kind, mixins, actions },
    attributes: new Map([
      ...coreOf(entity),
      ...(source ? [['occi.core.source', source.location] as const] : []),
      ...(target ? [['occi.core.target', target.location] as const] : []),
      ...flat(entity.attributes, [...path, 'attributes']),
    ]),
    links: links.map((link, index) => linkOf(link, [...path, 'links', index])),
  };
}

function linkOf(link: z.infer<typeof linkSchema>, path: Path): LinkRendering {
  const { kind, mixins, target, rel, location } = link;
  return {
    ...{ kind, mixins, self: location, target: target.location, rel: target.kind ?? rel[0] ?? null },
    attributes: new Map([...coreOf(link), ...flat(link.attributes, [...path, 'attributes'])]),
  };
}

type Core = { id?: string | undefined; title?: string | undefined; summary?: string | undefined };

function coreOf({ id, title, summary }: Core): [string, OcciValue][] {
  return Object.entries({ id, title, summary }).flatMap(([name, value]) =>
    value === undefined ? [] : [[`occi.core.${name}`, value]],
  );
}

function categoryOf(
  of: CategoryRendering['class'],
  category: z.infer<typeof categorySchema>,
): CategoryRendering {
  const { term, scheme, title, parent, depends, location, attributes, actions } = category;
  return {
    ...{ class: of, term, scheme, title, location, actions },
    rel: parent ?? depends[0] ?? null,
    attributes: Object.entries(attributes).map(([name, note]) => ({
      ...{ name, isRequired: note.required, isMutable: note.mutable },
    })),
  };
}

/** Deeper than any name has parts. */
const mostDepth = 20;

/** `{ occi: { compute: { cores: 2 } } }` and `{ "occi.compute.cores": 2 }` are the same. */
function flat(given: Readonly<Record<string, unknown>>, path: Path): Attributes {
  const attributes = new Map<string, OcciValue>();
  const add = (value: unknown, name: string, at: Path): void => {
    if (isValue(value) && isAttributeName(name)) attributes.set(name, value);
    else if (isNested(value) && at.length < path.length + mostDepth)
      for (const [part, inner] of Object.entries(value))
        add(inner, name === '' ? part : `${name}.${part}`, [...at, part]);
    else
      throw malformed('An attribute cannot be read', {
        errors: [{ pointer: pointerOf(at), message: 'a name of GFD.229 with a text, number or truth value' }],
      });
  };
  add(given, '', path);
  return attributes;
}

function isValue(value: unknown): value is OcciValue {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value === 'string' || typeof value === 'boolean';
}

function isNested(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901 §3. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
