import type { XmlElement } from '../../xml/index.ts';
import { attributeOf } from './vocabulary.ts';

/** What a location leads to: an element's text, or an attribute's value. */
export type Located = { readonly element: XmlElement; readonly attribute?: string; readonly value: string };

type Step = {
  /** Also children of children. */
  readonly isDeep: boolean;
  /** Local name; `*` = any. */
  readonly name: string;
  readonly isAttribute: boolean;
  readonly predicates: readonly Predicate[];
};
type Predicate = { readonly position: number } | { readonly attribute: string; readonly value: string };

const stepPattern =
  /(?<slashes>\/{0,2})(?<at>@?)(?:[\w-]+:)?(?<name>[\w.-]+|\*)(?<predicates>(?:\[[^\]]{1,300}\])*)/uy;
const predicatePattern =
  /\[\s*(?:(?<position>\d{1,6})|@(?:[\w-]+:)?(?<attribute>[\w.-]+)\s*=\s*(?:'(?<single>[^']*)'|"(?<double>[^"]*)"))\s*\]/uy;

/**
 * The nodes of a document to which a location of a creation constraint leads: the part of XPath 1.0 that points (child and descendant
 * steps, attributes, `[@Name='x']`, `[2]`, `text()`). Prefixes are not looked at. `undefined`: not such a location.
 */
export function locate(root: XmlElement, location: string): readonly Located[] | undefined {
  const steps = parseSteps(location.trim());
  if (!steps) return undefined;
  const last = steps.at(-1);
  const path = last?.isAttribute ? steps.slice(0, -1) : steps;
  const document: XmlElement = { ...root, children: [root], attributes: new Map() };
  const found = path.reduce<readonly XmlElement[]>(
    (from, step) => unique(from.flatMap((node) => follow(node, step))),
    [document],
  );
  if (!last?.isAttribute) return found.map((element) => ({ element, value: element.text }));
  const holders = last.isDeep ? unique(found.flatMap((node) => [node, ...descendantsOf(node)])) : found;
  return holders.flatMap((element) => {
    const value = attributeOf(element, last.name);
    return value === undefined ? [] : [{ element, attribute: last.name, value }];
  });
}

function parseSteps(location: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  // The text of an element is what a location to the element gives, too.
  const path = location.replace(/(?<=.)\/text\(\)$/, '');
  let at = 0;
  while (at < path.length) {
    stepPattern.lastIndex = at;
    const step = stepOf(stepPattern.exec(path)?.groups, steps.at(-1));
    if (!step) return undefined;
    at = stepPattern.lastIndex;
    steps.push(step);
  }
  return steps.length > 0 ? steps : undefined;
}

function stepOf(
  groups: Readonly<Record<string, string | undefined>> | undefined,
  before: Step | undefined,
): Step | undefined {
  if (!groups || before?.isAttribute || (before && groups['slashes'] === '')) return undefined;
  const predicates = parsePredicates(groups['predicates'] ?? '');
  const { slashes, at, name = '' } = groups;
  return predicates && { isDeep: slashes === '//', name, isAttribute: at === '@', predicates };
}

function parsePredicates(source: string): readonly Predicate[] | undefined {
  const predicates: Predicate[] = [];
  let at = 0;
  while (at < source.length) {
    predicatePattern.lastIndex = at;
    const groups: Readonly<Record<string, string | undefined>> | undefined =
      predicatePattern.exec(source)?.groups;
    if (!groups) return undefined;
    at = predicatePattern.lastIndex;
    const { position, attribute = '', single, double } = groups;
    predicates.push(
      position === undefined ? { attribute, value: single ?? double ?? '' } : { position: Number(position) },
    );
  }
  return predicates;
}

function follow(node: XmlElement, { isDeep, name, predicates }: Step): readonly XmlElement[] {
  const parents = isDeep ? [node, ...descendantsOf(node)] : [node];
  return parents.flatMap((parent) =>
    predicates.reduce(
      (nodes, predicate) => nodes.filter((candidate, index) => fits(candidate, index, predicate)),
      parent.children.filter((child) => name === '*' || child.name === name),
    ),
  );
}

function fits(node: XmlElement, index: number, predicate: Predicate): boolean {
  if ('position' in predicate) return predicate.position === index + 1;
  return attributeOf(node, predicate.attribute) === predicate.value;
}

function descendantsOf(node: XmlElement): readonly XmlElement[] {
  return node.children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function unique(nodes: readonly XmlElement[]): readonly XmlElement[] {
  return [...new Set(nodes)];
}
