import type {
  Action,
  AnyCategory,
  AttributeDefinition,
  Attributes,
  LinkRendering,
  LocatedEntity,
  OcciValue,
} from '../model/index.ts';
import { summaryOf, type OcciBody, type Place } from './payload.ts';

type Json = Record<string, unknown>;

/** `application/occi+json` (GFD.226): attributes flat, by their whole names. */
export function jsonOf(body: OcciBody, place: Place): Json {
  switch (body.what) {
    case 'entity':
      return entityJson(body.located);
    case 'collection':
      return collectionJson(body.entities);
    case 'categories':
      return categoriesJson(body.categories, place);
    case 'done':
      return {};
  }
}

function collectionJson(entities: readonly LocatedEntity[]): Json {
  const isLink = ({ entity }: LocatedEntity): boolean => entity.attributes.has('occi.core.source');
  const links = entities.filter(isLink).map(entityJson);
  return {
    resources: entities.filter((one) => !isLink(one)).map(entityJson),
    ...(links.length === 0 ? {} : { links }),
  };
}

/** What GFD.226 has as members beside the attributes. */
const memberNames = ['id', 'title', 'summary'] as const;
const coreNames = [...memberNames, 'source', 'target'].map((name) => `occi.core.${name}`);

function entityJson({ location, entity }: LocatedEntity): Json {
  const { kind, mixins, attributes, links, actions } = entity;
  return {
    ...(kind === null ? {} : { kind }),
    ...(mixins.length === 0 ? {} : { mixins }),
    ...membersOf(attributes),
    ...endOf('source', attributes.get('occi.core.source')),
    ...endOf('target', attributes.get('occi.core.target')),
    attributes: remaining(attributes),
    ...(actions.length === 0 ? {} : { actions }),
    ...(links.length === 0 ? {} : { links: links.map(linkJson) }),
    location,
  };
}

function linkJson({ target, rel, self, kind, mixins, attributes }: LinkRendering): Json {
  return {
    ...(kind === null ? {} : { kind }),
    ...(mixins.length === 0 ? {} : { mixins }),
    ...membersOf(attributes),
    target: { location: target, ...(rel === null ? {} : { kind: rel }) },
    attributes: remaining(attributes),
    ...(self === null ? {} : { location: self }),
  };
}

function membersOf(attributes: Attributes): Json {
  return Object.fromEntries(
    memberNames.flatMap((name) => {
      const value = attributes.get(`occi.core.${name}`);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function endOf(name: string, value: OcciValue | undefined): Json {
  return value === undefined ? {} : { [name]: { location: value } };
}

function remaining(attributes: Attributes): Json {
  return Object.fromEntries([...attributes].filter(([name]) => !coreNames.includes(name)));
}

function categoriesJson(categories: readonly AnyCategory[], place: Place): Json {
  const of = (wanted: AnyCategory['class']): Json[] =>
    categories.filter((one) => one.class === wanted).map((one) => categoryJson(one, place));
  return { kinds: of('kind'), mixins: of('mixin'), actions: of('action') };
}

function categoryJson(category: AnyCategory, place: Place): Json {
  const { term, scheme, title, location, actions } = summaryOf(category, place);
  return {
    ...{ term, scheme, title },
    attributes: Object.fromEntries(
      Object.entries(category.attributes).map(([name, definition]) => [name, definitionJson(definition)]),
    ),
    ...(category.class === 'action' ? {} : { actions }),
    ...relationsJson(category),
    ...(location === null ? {} : { location }),
  };
}

function relationsJson(category: AnyCategory): Json {
  if (category.class === 'mixin') return { depends: category.depends, applies: category.applies };
  const { parent } = category as Exclude<AnyCategory, Action> & { parent?: string | null };
  return parent === null || parent === undefined ? {} : { parent };
}

function definitionJson(definition: AttributeDefinition): Json {
  const { type, isRequired, isMutable, values, isInteger = false, minimum, maximum } = definition;
  const limits = {
    ...(values && { enum: values }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
  };
  const { default: initial, description } = definition;
  return {
    ...{ mutable: isMutable, required: isRequired, type },
    ...(initial !== undefined && { default: initial }),
    ...(description !== undefined && { description }),
    // GFD.226: a pattern is a JSON Schema.
    pattern: { type: isInteger ? 'integer' : type, ...limits },
  };
}
