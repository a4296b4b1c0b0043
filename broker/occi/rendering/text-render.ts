import {
  splitIdentifier,
  type EntityRendering,
  type LinkRendering,
  type LocatedEntity,
} from '../model/index.ts';
import { quoted, textOf } from './field.ts';
import { summaryOf, type CategoryRendering, type OcciBody, type Place } from './payload.ts';

/** A line of `text/plain`, or a header of `text/occi`. */
export type TextField = {
  readonly name: 'Category' | 'Link' | 'X-OCCI-Attribute' | 'X-OCCI-Location';
  readonly value: string;
};

/** GFD.229 §4. Of a collection only the locations are told; they are asked one by one. */
export function textFieldsOf(body: OcciBody, place: Place): TextField[] {
  switch (body.what) {
    case 'entity':
      return entityFields(body.located);
    case 'collection':
      return body.entities.map(({ location }) => ({ name: 'X-OCCI-Location', value: location }));
    case 'categories':
      return body.categories.map((category) => ({
        name: 'Category',
        value: categoryText(summaryOf(category, place)),
      }));
    case 'done':
      return [];
  }
}

/** `text/uri-list` (RFC 2483 §5), a line each. */
export function uriListOf(body: OcciBody, place: Place): string[] {
  if (body.what === 'entity') return [body.located.location];
  if (body.what === 'collection') return body.entities.map(({ location }) => location);
  if (body.what === 'done') return [];
  return body.categories.flatMap((category) => summaryOf(category, place).location ?? []);
}

function entityFields({ location, entity }: LocatedEntity): TextField[] {
  return [
    ...categoryFields(entity),
    ...Array.from(entity.attributes, ([name, value]) => ({
      ...{ name: 'X-OCCI-Attribute' as const, value: `${name}=${textOf(value)}` },
    })),
    ...entity.links.map((link) => ({ name: 'Link' as const, value: linkText(link) })),
    ...entity.actions.map((action) => ({
      name: 'Link' as const,
      value: `<${uri(location)}?action=${splitIdentifier(action).term}>; rel=${quoted(action)}`,
    })),
  ];
}

function categoryFields({ kind, mixins }: EntityRendering): TextField[] {
  const field = (identifier: string, of: CategoryRendering['class']): TextField => {
    const { scheme, term } = splitIdentifier(identifier);
    return { name: 'Category', value: `${term}; scheme=${quoted(scheme)}; class="${of}"` };
  };
  return [
    ...(kind === null ? [] : [field(kind, 'kind')]),
    ...mixins.map((identifier) => field(identifier, 'mixin')),
  ];
}

function categoryText(category: CategoryRendering): string {
  const { term, scheme, title, rel, location } = category;
  const attributes = category.attributes.map(({ name, isRequired, isMutable }) => {
    const properties = [...(isMutable ? [] : ['immutable']), ...(isRequired ? ['required'] : [])];
    return properties.length === 0 ? name : `${name}{${properties.join(' ')}}`;
  });
  const parameters: readonly (readonly [string, string | null])[] = [
    ['title', title],
    ['rel', rel],
    ['location', location],
    ['attributes', attributes.length === 0 ? null : attributes.join(' ')],
    ['actions', category.actions.length === 0 ? null : category.actions.join(' ')],
  ];
  return [
    term,
    `scheme=${quoted(scheme)}`,
    `class="${category.class}"`,
    ...parameters.flatMap(([name, value]) => (value === null ? [] : [`${name}=${quoted(value)}`])),
  ].join('; ');
}

function linkText({ target, rel, self, kind, mixins, attributes }: LinkRendering): string {
  return [
    `<${uri(target)}>`,
    ...(rel === null ? [] : [`rel=${quoted(rel)}`]),
    ...(self === null ? [] : [`self=${quoted(self)}`]),
    ...(kind === null ? [] : [`category=${quoted([kind, ...mixins].join(' '))}`]),
    ...Array.from(attributes, ([name, value]) => `${name}=${textOf(value)}`),
  ].join('; ');
}

/** What would end a link early. */
function uri(reference: string): string {
  return reference.replace(/[<>\s]/g, encodeURIComponent);
}
