import type { EntityRendering, LinkRendering, OcciValue } from '../model/index.ts';
import {
  accept,
  attributesOf,
  fail,
  fieldNames,
  readList,
  readPair,
  readParameters,
  readUntil,
  type Field,
  type FieldName,
  type Parameter,
  type Scanner,
} from './field.ts';
import {
  isAttributeName,
  isIdentifier,
  isScheme,
  isTerm,
  malformed,
  type AttributeNote,
  type CategoryRendering,
  type OcciPayload,
} from './payload.ts';

/** The lines of a `text/plain` body (GFD.229 §4). Throws `request.malformed` with line and column. */
export function parseTextPlain(body: string): OcciPayload {
  const fields: Field[] = [];
  for (const [index, line] of body.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '') continue;
    // By hand: an expression would try each of many spaces anew.
    const colon = line.indexOf(':');
    const name = colon < 0 ? undefined : fieldNameOf(line.slice(0, colon).trim());
    if (name === undefined) throw malformed('No line of OCCI', { line: index + 1, column: 1 });
    const value = line.slice(colon + 1).trimStart();
    const place = { line: index + 1, column: line.length - value.length + 1 };
    fields.push({ name, value, place });
  }
  return payloadOf(fields);
}

/**
 * The headers of `text/occi` (GFD.229 §4), as they came: names and values in turn, repeated ones each for itself.
 * Text beyond ASCII is UTF-8, which Node hands over byte by byte. Throws `request.malformed` with header and column.
 */
export function parseTextOcci(rawHeaders: readonly string[]): OcciPayload {
  const counts = new Map<FieldName, number>();
  const fields: Field[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] ?? '';
    const name = fieldNameOf(header);
    if (name === undefined) continue;
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    fields.push({
      name,
      value: fromBytes(rawHeaders[index + 1] ?? ''),
      place: { header, occurrence, column: 1 },
    });
  }
  return payloadOf(fields);
}

function fieldNameOf(label: string): FieldName | undefined {
  return fieldNames.find((name) => name === label.toLowerCase());
}

/** UTF-8 where it is, Latin-1 as headers once were where it is not. */
function fromBytes(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function payloadOf(fields: readonly Field[]): OcciPayload {
  const read = <Value>(name: FieldName, readOne: (scanner: Scanner) => Value): Value[] =>
    fields.filter((field) => field.name === name).flatMap((field) => readList(field, readOne));
  const categories = read('category', readCategory);
  const attributes = new Map(read('x-occi-attribute', readAttribute).flatMap((one) => [...one]));
  const links = read('link', readLink);
  const locations = read('x-occi-location', readLocation);
  const action = categories.find((category) => category.class === 'action');
  const isCall = action !== undefined && categories.length === 1;
  return {
    ...{ categories, locations },
    entities: isCall ? [] : entitiesOf(categories, attributes, links),
    call: isCall ? { action: identifier(action), attributes } : null,
  };
}

type ReadLink = { readonly link: LinkRendering } | { readonly action: string };

/** Where several kinds are named, none of them is the kind of an instance: those are a filter. */
function entitiesOf(
  categories: readonly CategoryRendering[],
  attributes: ReadonlyMap<string, OcciValue>,
  read: readonly ReadLink[],
): EntityRendering[] {
  const named = (of: CategoryRendering['class']): string[] =>
    categories.filter((category) => category.class === of).map(identifier);
  const [first = null, ...more] = named('kind');
  const kind = more.length > 0 ? null : first;
  const isEmpty = categories.length === 0 && attributes.size === 0 && read.length === 0;
  if (isEmpty || named('action').length > 0) return [];
  const links = read.flatMap((one) => ('link' in one ? [one.link] : []));
  const actions = read.flatMap((one) => ('action' in one ? [one.action] : []));
  return [{ kind, mixins: named('mixin'), attributes, links, actions }];
}

function identifier({ scheme, term }: CategoryRendering): string {
  return `${scheme}${term}`;
}

function readCategory(scanner: Scanner): CategoryRendering {
  const term = readUntil(scanner, ';,');
  if (!isTerm(term))
    fail(scanner, 'A term begins with a small letter and has letters, digits, - and _ in it');
  const parameters = readParameters(scanner);
  const given = (name: string): string | null =>
    parameters.find((parameter) => parameter.name.toLowerCase() === name)?.value ?? null;
  const scheme = given('scheme') ?? '';
  if (!isScheme(scheme)) fail(scanner, 'A category has a scheme, a URI that ends in #');
  return {
    ...{ term, scheme, class: classOf(scanner, given('class')) },
    title: given('title'),
    // Of several, the first is the one that it extends.
    rel: given('rel')?.split(/\s+/)[0] ?? null,
    location: given('location'),
    attributes: readNotes(scanner, given('attributes') ?? ''),
    actions: words(given('actions')),
  };
}

function classOf(scanner: Scanner, given: string | null): CategoryRendering['class'] {
  return given === 'kind' || given === 'mixin' || given === 'action'
    ? given
    : fail(scanner, 'The class of a category is kind, mixin or action');
}

/** E.g. `occi.compute.cores occi.compute.state{immutable}`. */
function readNotes(scanner: Scanner, text: string): AttributeNote[] {
  return Array.from(
    text.matchAll(/([^\s{}]+)(?:\{([^{}]*)\})?|\S/g),
    ([whole, name = '', properties = '']) => {
      if (!isAttributeName(name)) fail(scanner, `${whole} is not the name of an attribute`);
      const given = words(properties);
      return { name, isRequired: given.includes('required'), isMutable: !given.includes('immutable') };
    },
  );
}

function readAttribute(scanner: Scanner): ReadonlyMap<string, OcciValue> {
  const attributes = attributesOf(scanner, [readPair(scanner)]);
  accept(scanner, ';');
  return attributes;
}

function readLocation(scanner: Scanner): string {
  const location = readUntil(scanner, ',');
  return location.replace(/^<(.*)>$/, '$1');
}

/** GFD.229 §4.2 and §4.3: a link to a resource, or an action that can be called. */
function readLink(scanner: Scanner): ReadLink {
  if (!accept(scanner, '<')) fail(scanner, 'A link begins with <');
  const target = readUntil(scanner, '>');
  if (!accept(scanner, '>')) fail(scanner, 'A link has no >');
  const parameters = readParameters(scanner);
  const given = (name: string): string | null =>
    parameters.find((parameter) => parameter.name.toLowerCase() === name)?.value ?? null;
  const rel = words(given('rel'))[0] ?? null;
  const [kind = null, ...mixins] = words(given('category'));
  const isCall = /[?&]action=/.test(target) && kind === null && rel !== null && isIdentifier(rel);
  if (isCall) return { action: rel };
  const rest = parameters.filter(isAttribute);
  return {
    link: { target, rel, self: given('self'), kind, mixins, attributes: attributesOf(scanner, rest) },
  };
}

const linkParameters = ['rel', 'self', 'category'];
function isAttribute({ name }: Parameter): boolean {
  return !linkParameters.includes(name.toLowerCase());
}

function words(text: string | null): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
