import type {
  AgreementOffer,
  AgreementTemplate,
  GuaranteeTerm,
  LeafTerm,
  Term,
  TermCompositor,
} from '@medusa/protocol';
import { readXml, type XmlElement } from '../xml/index.ts';
import { badConditionsIn } from './conditions.ts';
import { parseMoney } from './evaluation/money.ts';
import { lengthMs, parseDuration } from './evaluation/windows.ts';
import { evaluateExpression, parseExpression, type Known } from './expression/index.ts';
import { findFacetFault } from './facets.ts';
import { locate, renderAgreement, type Located } from './wsag/index.ts';

/** Why an offer cannot be taken: the item, term or member, and the reason. */
export type OfferFault = { readonly item: string; readonly reason: string };

/**
 * Checks an offer against its template (GFD.192, Creation Constraints), item by item: every fault is told. An offer may leave out
 * alternatives that the template gives, and may change what an item's location points to; all else must be as in the template.
 */
export function checkOffer(offer: AgreementOffer, template: AgreementTemplate): readonly OfferFault[] {
  const root = elementOf(offer);
  const items = template.creationConstraints.items.map((item) => ({
    ...item,
    found: locate(root, item.location),
  }));
  const itemFaults = items.flatMap(({ name, restriction, found }): readonly OfferFault[] => {
    if (!found) return [{ item: name, reason: 'Its location is not understood' }];
    if (found.length === 0) return [{ item: name, reason: 'The offer has nothing at its location' }];
    const reasons = found.map(
      ({ value }) => findFacetFault(value, restriction) && `"${value}" ${findFacetFault(value, restriction)}`,
    );
    return reasons.flatMap((reason) => (reason ? [{ item: name, reason }] : []));
  });
  const facts = new Map(
    items.flatMap(({ name, found }) => (found?.[0] ? [[name, found[0].value] as const] : [])),
  );
  return [
    ...contextFaults(offer, template),
    ...termFaults(offer, template),
    ...checkTerms(offer.terms),
    ...itemFaults,
    ...template.creationConstraints.constraints.flatMap((source) => constraintFault(source, facts)),
  ];
}

/** Who initiates is open in a template; who provides what is not. */
function contextFaults({ context }: AgreementOffer, template: AgreementTemplate): readonly OfferFault[] {
  const members = ['responder', 'serviceProvider'] as const;
  return members
    .filter((member) => context[member] !== template.context[member])
    .map((member) => ({ item: member, reason: `It is "${template.context[member]}" in the template` }));
}

/** What makes terms unfit to be agreed upon, whatever the template: conditions that cannot be read, values that are no money. */
export function checkTerms(terms: TermCompositor): readonly OfferFault[] {
  const conditions = badConditionsIn(terms).map(({ path, message }) => ({
    item: path.join('.'),
    reason: message,
  }));
  const leaves = leavesOf(terms);
  const values = leaves.flatMap((leaf) =>
    leaf.kind === 'GuaranteeTerm' ? [...valueFaults(leaf), ...durationFaults(leaf)] : [],
  );
  const names = leaves.map(({ name }) => name);
  const doubles = names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => ({ item: name, reason: 'Two terms have this name' }));
  return [...conditions, ...values, ...doubles];
}

function durationFaults({ name, assessment, businessValues }: GuaranteeTerm): readonly OfferFault[] {
  const intervals = [...businessValues.penalties, ...businessValues.rewards].map(({ interval }) => interval);
  const durations = intervals.flatMap((interval) => ('count' in interval ? [] : [interval.timeInterval]));
  return [assessment.window, ...durations].flatMap((text): readonly OfferFault[] => {
    const duration = parseDuration(text);
    if (!duration) return [{ item: name, reason: `${text} is not either of months or of time` }];
    return lengthMs(duration) < 60_000 ? [{ item: name, reason: `${text} is shorter than a minute` }] : [];
  });
}

function valueFaults({ name, businessValues }: GuaranteeTerm): readonly OfferFault[] {
  const { penalties, rewards } = businessValues;
  const units = new Set([...penalties, ...rewards].map(({ valueUnit }) => valueUnit));
  const faults = [...penalties, ...rewards].flatMap(({ valueExpression, valueUnit }) =>
    parseMoney(valueExpression, valueUnit)
      ? []
      : [{ item: name, reason: `"${valueExpression} ${valueUnit ?? ''}" is no amount of a currency` }],
  );
  return units.size > 1
    ? [...faults, { item: name, reason: 'Its values are in several currencies' }]
    : faults;
}

function constraintFault(source: string, facts: ReadonlyMap<string, string>): readonly OfferFault[] {
  const parsed = parseExpression(source);
  if (!parsed.ok) return [{ item: source, reason: `The constraint cannot be read: ${parsed.message}` }];
  const truth = evaluateExpression(parsed.expression, (operand): Known | undefined => {
    const value = operand.kind === 'name' ? facts.get(operand.name) : undefined;
    if (value === undefined) return undefined;
    return /^[+-]?\d+(\.\d+)?$/.test(value) ? { value: Number(value) } : { value };
  });
  if (truth === true) return [];
  return [
    {
      item: source,
      reason: truth === false ? 'The constraint does not hold' : 'The constraint cannot be told',
    },
  ];
}

/** Terms that differ from the template's where no item allows it, and choices that its compositors do not allow. */
function termFaults(offer: AgreementOffer, template: AgreementTemplate): readonly OfferFault[] {
  const { items } = template.creationConstraints;
  const blank = (document: AgreementOffer): XmlElement => {
    const root = elementOf(document);
    return blanked(
      root,
      items.flatMap(({ location }) => locate(root, location) ?? []),
    );
  };
  const given = leafElements(blank(template));
  const offered = leafElements(blank(offer));
  const differing = Array.from(offered, ([key, element]): OfferFault[] => {
    const original = given.get(key);
    const item = key.replace(/^\w+ /, '');
    if (original === undefined) return [{ item, reason: 'The template has no such term' }];
    return original === element
      ? []
      : [{ item, reason: 'It differs from the template where no item allows it' }];
  });
  const names = new Set(leavesOf(offer.terms).map(({ name }) => name));
  return [...differing.flat(), ...choiceFaults(template.terms, names)];
}

/** Whether the terms of these names are a choice that the compositors allow (GFD.192, Term Compositor Structure). */
export function choiceFaults(term: Term, chosen: ReadonlySet<string>): readonly OfferFault[] {
  if (!('terms' in term)) return chosen.has(term.name) ? [] : [{ item: term.name, reason: 'It is missing' }];
  if (term.kind === 'All') return term.terms.flatMap((part) => choiceFaults(part, chosen));
  const taken = term.terms.filter((part) => leavesOf(part).some(({ name }) => chosen.has(name)));
  const alternatives = term.terms
    .map((part) =>
      leavesOf(part)
        .map(({ name }) => name)
        .join('+'),
    )
    .join(', ');
  const isAllowed = term.kind === 'ExactlyOne' ? taken.length === 1 : taken.length > 0;
  const words = term.kind === 'ExactlyOne' ? 'Exactly one' : 'One or more';
  if (!isAllowed) return [{ item: alternatives, reason: `${words} must be chosen, not ${taken.length}` }];
  return taken.flatMap((part) => choiceFaults(part, chosen));
}

/** All terms that lie in a compositor, without it. */
export function leavesOf(term: Term): readonly LeafTerm[] {
  return 'terms' in term ? term.terms.flatMap(leavesOf) : [term];
}

/** The document as XML: locations of creation constraints point into that. */
function elementOf({ id, name, context, terms }: AgreementOffer): XmlElement {
  const read = readXml(renderAgreement({ id, name, context, terms }, 'offer'));
  if (read.ok) return read.root;
  throw new Error(`An agreement could not be read back: ${read.problem.message}`);
}

function blanked(element: XmlElement, located: readonly Located[]): XmlElement {
  const here = located.filter((one) => one.element === element);
  const attributes = Array.from(element.attributes, ([key, value]) => {
    const isFree = here.some(({ attribute }) => attribute === key.replace(/^.*:/, ''));
    return [key, isFree ? '' : value] as const;
  });
  return {
    ...element,
    attributes: new Map(attributes),
    text: here.some(({ attribute }) => attribute === undefined) ? '' : element.text,
    children: element.children.map((child) => blanked(child, located)),
  };
}

const compositors = ['All', 'OneOrMore', 'ExactlyOne'];

/** Leaf terms by kind and name, each as one text that can be compared. */
function leafElements(root: XmlElement): ReadonlyMap<string, string> {
  const visit = (element: XmlElement): [string, string][] =>
    element.name === 'Terms' || compositors.includes(element.name)
      ? element.children.flatMap(visit)
      : [[`${element.name} ${element.attributes.get('wsag:Name') ?? ''}`, flat(element)]];
  const terms = root.children.filter(({ name }) => name === 'Terms');
  return new Map(terms.flatMap(visit));
}

function flat({ name, attributes, text, children }: XmlElement): string {
  return JSON.stringify([name, [...attributes], text, children.map(flat)]);
}
