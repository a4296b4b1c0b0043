import { AppError } from '@medusa/protocol';
import type { EntityRendering, LocatedEntity, OcciValue, Registry } from './model/index.ts';
import type { OcciPayload } from './rendering/index.ts';

/** What a client narrows a collection to (GFD.229 §3.5): categories and values of attributes. */
export type Filter = {
  /** Of one of these kinds; none = of any. */
  readonly kinds: readonly string[];
  /** With all of these mixins, or others that depend on them. */
  readonly mixins: readonly string[];
  readonly attributes: ReadonlyMap<string, OcciValue>;
};

export function filterOf({ categories, entities }: OcciPayload): Filter {
  const of = (wanted: string): string[] =>
    categories.filter((one) => one.class === wanted).map(({ scheme, term }) => `${scheme}${term}`);
  return { kinds: of('kind'), mixins: of('mixin'), attributes: entities[0]?.attributes ?? new Map() };
}

/** Categories alone, of all classes: what discovery is narrowed to. */
export function identifiersIn({ categories }: OcciPayload): readonly string[] {
  return categories.map(({ scheme, term }) => `${scheme}${term}`);
}

export function matches(entity: EntityRendering, filter: Filter, registry: Registry): boolean {
  const { kinds, mixins, attributes } = filter;
  const isOfKind =
    kinds.length === 0 || kinds.some((one) => entity.kind !== null && registry.isA(entity.kind, one));
  const hasMixins = mixins.every((wanted) => entity.mixins.some((one) => registry.isA(one, wanted)));
  return (
    isOfKind && hasMixins && [...attributes].every(([name, value]) => entity.attributes.get(name) === value)
  );
}

/** More than this in one answer is refused (GFD.223 §6). */
const mostEntities = 1_000;

/**
 * The part of a collection that `page`, counted from 1, and `number` ask for. Past the end it is empty; without them it is whole.
 * Throws `request.too-large` when it is more than one answer holds.
 */
export function pageOf(
  entities: readonly LocatedEntity[],
  query: ReadonlyMap<string, string>,
): readonly LocatedEntity[] {
  const page = wholeNumber(query, 'page') ?? 1;
  const number = wholeNumber(query, 'number') ?? (query.has('page') ? mostEntities : entities.length);
  if (number > mostEntities)
    throw new AppError('request.too-large', `At most ${mostEntities} fit into one answer: ask for pages`);
  return entities.slice((page - 1) * number, page * number);
}

function wholeNumber(query: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new AppError('request.malformed', `${name} is a whole number from 1 on`);
  return Number(text);
}
