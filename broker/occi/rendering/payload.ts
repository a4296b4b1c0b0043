import { AppError } from '@medusa/protocol';
import {
  identifierOf,
  splitIdentifier,
  type ActionCall,
  type AnyCategory,
  type EntityRendering,
  type LocatedEntity,
} from '../model/index.ts';

/** What text renderings tell of a category, and all others tell too. */
export type CategoryRendering = {
  readonly class: AnyCategory['class'];
  readonly term: string;
  readonly scheme: string;
  readonly title: string | null;
  /** Identifier of the parent, or of the first mixin that it depends on. */
  readonly rel: string | null;
  /** As a URI reference. */
  readonly location: string | null;
  readonly attributes: readonly AttributeNote[];
  readonly actions: readonly string[];
};

export type AttributeNote = {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isMutable: boolean;
};

/** All that a request can carry. What it is meant as, the address and the method say. */
export type OcciPayload = {
  readonly entities: readonly EntityRendering[];
  /** URI references of instances. */
  readonly locations: readonly string[];
  readonly categories: readonly CategoryRendering[];
  readonly call: ActionCall | null;
};

/** What an answer carries. */
export type OcciBody =
  | { readonly what: 'entity'; readonly located: LocatedEntity }
  | { readonly what: 'collection'; readonly entities: readonly LocatedEntity[] }
  | { readonly what: 'categories'; readonly categories: readonly AnyCategory[] }
  | { readonly what: 'done' };

export const emptyPayload: OcciPayload = { entities: [], locations: [], categories: [], call: null };

/** From the path of a collection to the URI reference that clients are told. */
export type Place = (path: string) => string;

/** A category as every rendering tells it. */
export function summaryOf(category: AnyCategory, place: Place): CategoryRendering {
  const { term, scheme, title, attributes } = category;
  const { rel, location, actions } = relationsOf(category);
  return {
    ...{ class: category.class, term, scheme, title, rel },
    location: location === null ? null : place(location),
    attributes: Object.entries(attributes).map(([name, { isRequired, isMutable }]) => ({
      ...{ name, isRequired, isMutable },
    })),
    actions: actions.map(identifierOf),
  };
}

function relationsOf(category: AnyCategory): Pick<AnyCategory & { class: 'kind' }, 'actions' | 'location'> & {
  rel: string | null;
} {
  if (category.class === 'action') return { rel: null, location: null, actions: [] };
  const { location, actions } = category;
  return {
    location,
    actions,
    rel: category.class === 'kind' ? category.parent : (category.depends[0] ?? null),
  };
}

/** A request that could not be read; `place` says where: a pointer (RFC 6901), or line and column, or header and column. */
export function malformed(message: string, place: Readonly<Record<string, unknown>>): AppError {
  return new AppError('request.malformed', message, place);
}

const component = /^[A-Za-z][A-Za-z0-9_-]*$/;
const term = /^[a-z][A-Za-z0-9_-]*$/;

/** GFD.229, attribute-name; capital letters are in GFD.228's names, so they are taken. */
export function isAttributeName(name: string): boolean {
  return name.length <= 200 && name.split('.').every((part) => component.test(part));
}

/** GFD.229, term. */
export function isTerm(name: string): boolean {
  return name.length <= 100 && term.test(name);
}

/** A scheme is a URI that ends in `#`; an identifier is that and a term. */
export function isScheme(scheme: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s"<>#]*#$/i.test(scheme);
}

export function isIdentifier(identifier: string): boolean {
  const parts = splitIdentifier(identifier);
  return isScheme(parts.scheme) && isTerm(parts.term);
}
