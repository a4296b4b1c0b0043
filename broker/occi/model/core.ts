import { identifierOf, immutable, mutable, required, type Kind } from './category.ts';

/** GFD.221, the types that all others extend. None of the three has instances of its own. */
const scheme = 'http://schemas.ogf.org/occi/core#';

export const entityKind: Kind = {
  ...{ class: 'kind', scheme, term: 'entity', title: 'Entity', parent: null, actions: [], location: null },
  attributes: {
    'occi.core.id': immutable('string', { description: 'Unique among the instances of its kind' }),
    'occi.core.title': mutable('string'),
  },
};

export const resourceKind: Kind = {
  ...{ class: 'kind', scheme, term: 'resource', title: 'Resource', actions: [], location: null },
  parent: identifierOf(entityKind),
  attributes: { ...entityKind.attributes, 'occi.core.summary': mutable('string') },
};

export const linkKind: Kind = {
  ...{ class: 'kind', scheme, term: 'link', title: 'Link', actions: [], location: null },
  parent: identifierOf(entityKind),
  attributes: {
    ...entityKind.attributes,
    'occi.core.source': required('string', { description: 'Location of the resource it starts from' }),
    'occi.core.target': required('string', { description: 'Location of the resource it leads to' }),
  },
};

export const coreKinds: readonly Kind[] = [entityKind, resourceKind, linkKind];

type Extension = Pick<Kind, 'scheme' | 'term' | 'title'> &
  Partial<Pick<Kind, 'attributes' | 'actions' | 'location'>>;

/** A kind of resources; its location is its term's unless told otherwise. */
export function resourceKindOf(extension: Extension): Kind {
  return extended(resourceKind, extension);
}

/** A kind of links between resources. */
export function linkKindOf(extension: Extension): Kind {
  return extended(linkKind, extension);
}

function extended(parent: Kind, { attributes = {}, actions = [], location, ...rest }: Extension): Kind {
  return {
    ...{ class: 'kind', parent: identifierOf(parent), actions, location: location ?? `/${rest.term}/` },
    ...rest,
    attributes: { ...parent.attributes, ...attributes },
  };
}
