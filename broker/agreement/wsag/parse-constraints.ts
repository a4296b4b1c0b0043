import type { XmlElement } from '../../xml/index.ts';
import type { Places } from './places.ts';
import { attributeOf, childOf, childrenOf, integerOf, textOf } from './vocabulary.ts';

/** Creation constraints as the schema expects them, not yet checked. */
export function readConstraints(element: XmlElement | undefined, places: Places): object {
  const items = childrenOf(element, 'Item').map((item) =>
    places.note(
      {
        name: attributeOf(item, 'Name'),
        location: textOf(childOf(item, 'Location')),
        restriction: readRestriction(childOf(item, 'ItemConstraint')),
      },
      item,
    ),
  );
  const constraints = childrenOf(element, 'Constraint').map((constraint) => constraint.text);
  return element ? places.note({ items, constraints }, element) : { items, constraints };
}

const texts = ['pattern', 'minInclusive', 'maxInclusive', 'minExclusive', 'maxExclusive'];
const lengths = ['minLength', 'maxLength'];

/** Facets lie directly in the constraint, or in a simple type's restriction. */
function readRestriction(constraint: XmlElement | undefined): object {
  const elements = constraint ? descendantsOf(constraint) : [];
  const facets = elements.map((element) => [element.name, attributeOf(element, 'value')] as const);
  const one = (names: readonly string[], as: (value: string | undefined) => unknown): [string, unknown][] =>
    facets.filter(([name]) => names.includes(name)).map(([name, value]) => [name, as(value)]);
  return {
    base: attributeOf(
      elements.find(({ name }) => name === 'restriction'),
      'base',
    )?.replace(/^.*:/, ''),
    enumeration: facets.filter(([name]) => name === 'enumeration').map(([, value]) => value),
    ...Object.fromEntries([...one(texts, (value) => value), ...one(lengths, integerOf)]),
  };
}

function descendantsOf(element: XmlElement): readonly XmlElement[] {
  return element.children.flatMap((child) => [child, ...descendantsOf(child)]);
}
