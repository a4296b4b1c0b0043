import { manifestSchema, type Manifest, type ManifestProblem } from '@medusa/protocol';
import { readXml, type Place, type XmlElement } from '../../xml/index.ts';
import { manifestShape, type Attribute, type Child, type Shape } from './shape.ts';

/** A manifest as it was read, what is odd about it, and where each of its parts stands. */
type ParsedManifest = {
  /** null: one of the problems is an error. */
  readonly manifest: Manifest | null;
  readonly problems: readonly ManifestProblem[];
  /** Of the part at this JSON pointer (RFC 6901), or of the part that it is in. */
  readonly placeOf: (pointer: string) => Place;
};

/**
 * Reads a CORDS manifest, schemas 2.07 to 2.15 and the spellings of their documents: any default namespace, any order of elements,
 * sizes with and without `B` or `Hz`, `endpoint` for `port`, names alone as attributes. What it does not know is left out, with a
 * warning. Never throws.
 */
export function parseCords(document: string): ParsedManifest {
  const read = readXml(document.replace(/^\uFEFF/, ''));
  if (!read.ok) {
    const { line, column, message } = read.problem;
    const problem = { severity: 'error', pointer: '', line, column, message } as const;
    return { manifest: null, problems: [problem], placeOf: () => ({ line, column }) };
  }
  const reading: Reading = { problems: [], places: new Map() };
  const { root } = read;
  const placeOf = (pointer: string): Place => placeIn(reading.places, pointer) ?? root;
  if (root.name.toLowerCase() !== 'manifest') {
    refuse(reading, { at: root, pointer: '' }, `This is a <${root.name}>, not a <manifest>`);
    return { manifest: null, problems: reading.problems, placeOf };
  }
  const raw = readElement(reading, root, { shape: manifestShape, pointer: '' });
  const parsed = manifestSchema.safeParse(raw);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const pointer = path.map((part) => `/${String(part)}`).join('');
    const what = path.findLast((part) => typeof part === 'string') ?? 'manifest';
    refuse(reading, { at: placeOf(pointer), pointer }, `${what}: ${message}`);
  }
  const isWrong = reading.problems.some(({ severity }) => severity === 'error');
  const manifest = isWrong ? null : (parsed.data ?? null);
  return { manifest, problems: inOrder(reading.problems), placeOf };
}

type Reading = { readonly problems: ManifestProblem[]; readonly places: Map<string, Place> };
type Spot = { readonly at: Place; readonly pointer: string };
type Raw = Record<string, unknown>;

function readElement(
  reading: Reading,
  element: XmlElement,
  { shape, pointer }: { shape: Shape; pointer: string },
): Raw {
  reading.places.set(pointer, { line: element.line, column: element.column });
  const raw: Raw = {};
  for (const [name, value] of element.attributes)
    readAttribute(reading, element, { shape, pointer, raw, name: name.toLowerCase(), value });
  for (const child of element.children) readChild(reading, child, { shape, pointer, raw });
  takeReferences(element, shape, raw);
  if (element.text !== '') {
    const isMessage = raw['message'] === undefined && shape.attributes.some(({ key }) => key === 'message');
    if (isMessage) raw['message'] = element.text;
    else warn(reading, { at: element, pointer }, `The text in <${element.name}> is left out`);
  }
  return raw;
}

type Found = {
  readonly shape: Shape;
  readonly pointer: string;
  readonly raw: Raw;
  readonly name: string;
  readonly value: string;
};

function readAttribute(
  reading: Reading,
  element: XmlElement,
  { shape, pointer, raw, name, value }: Found,
): void {
  // ACCORDS writes what it does not know as ''.
  if (value === '' || name.includes(':')) return;
  const spot = { at: element, pointer };
  const reason = shape.leftOut?.[name];
  if (reason !== undefined) {
    if (reason !== '') warn(reading, spot, `${name} of <${element.name}> is left out: ${reason}`);
    return;
  }
  const attribute = shape.attributes.find(({ names }) => names.includes(name));
  if (attribute) {
    take(reading, spot, { raw, attribute, name, value });
    return;
  }
  if (!isReference(shape, name))
    warn(reading, spot, `<${element.name}> has no attribute ${name}: it is left out`);
}

function take(
  reading: Reading,
  spot: Spot,
  { raw, attribute, name, value }: { raw: Raw; attribute: Attribute; name: string; value: string },
): void {
  const { key, names, form } = attribute;
  // Of two spellings of the same, the first one counts.
  if (raw[key] !== undefined && names[0] !== name) return;
  const known = form.read(value);
  if (known === undefined) {
    const pointer = `${spot.pointer}/${key}`;
    refuse(reading, { at: spot.at, pointer }, `${name}="${shorten(value)}" is not ${form.what}`);
  } else raw[key] = known;
}

function readChild(
  reading: Reading,
  element: XmlElement,
  { shape, pointer, raw }: { shape: Shape; pointer: string; raw: Raw },
): void {
  const name = element.name.toLowerCase();
  const child = shape.children.find(({ names }) => names.includes(name));
  if (!child) {
    warn(reading, { at: element, pointer }, `<${element.name}> is not known here: it is left out`);
    return;
  }
  if (child.isMany) {
    const siblings = (raw[child.key] ??= []) as unknown[];
    const value = readInner(reading, element, {
      child,
      pointer: `${pointer}/${child.key}/${siblings.length}`,
    });
    if (value !== '') siblings.push(value);
    return;
  }
  if (raw[child.key] !== undefined) {
    refuse(reading, { at: element, pointer }, `There is another <${element.name}> before this one`);
    return;
  }
  raw[child.key] = readInner(reading, element, { child, pointer: `${pointer}/${child.key}` });
}

function readInner(
  reading: Reading,
  element: XmlElement,
  { child, pointer }: { child: Child; pointer: string },
): unknown {
  if (child.shape) return readElement(reading, element, { shape: child.shape, pointer });
  reading.places.set(pointer, { line: element.line, column: element.column });
  return element.text;
}

/** An attribute with the name of a child: the child is described elsewhere, or this is its id. */
function isReference(shape: Shape, name: string): boolean {
  const child = shape.children.find(({ key, names }) => key === name || names.includes(name));
  return child !== undefined && (!child.isMany || child.shape === undefined);
}

function takeReferences(element: XmlElement, shape: Shape, raw: Raw): void {
  for (const child of shape.children) {
    const named = [...element.attributes].find(([name]) => child.names.includes(name.toLowerCase()));
    const [, value = ''] = named ?? [];
    if (value !== '' && !isTakenByAttribute(shape, child.names[0])) takeReference(raw, child, value);
  }
}

function takeReference(raw: Raw, { key, isMany, shape }: Child, value: string): void {
  if (isMany) {
    if (!shape) raw[key] = [value, ...((raw[key] as unknown[] | undefined) ?? [])];
    return;
  }
  const child = raw[key] as Raw | undefined;
  if (child) child['id'] ??= value;
  else raw[key] = { name: value };
}

function isTakenByAttribute(shape: Shape, name: string): boolean {
  return shape.attributes.some(({ names }) => names.includes(name));
}

/** As many problems as anybody reads; warnings leave room for errors, without which a document would count as right. */
const most = 1_000;

/** Nothing is made of such a document. */
function refuse({ problems }: Reading, { at, pointer }: Spot, message: string): void {
  if (problems.length < most)
    problems.push({ severity: 'error', pointer, line: at.line, column: at.column, message });
}

function warn({ problems }: Reading, { at, pointer }: Spot, message: string): void {
  if (problems.length < most / 2)
    problems.push({ severity: 'warning', pointer, line: at.line, column: at.column, message });
}

function placeIn(places: ReadonlyMap<string, Place>, pointer: string): Place | undefined {
  const place = places.get(pointer);
  const end = pointer.lastIndexOf('/');
  return place ?? (end < 0 ? undefined : placeIn(places, pointer.slice(0, end)));
}

function inOrder(problems: readonly ManifestProblem[]): ManifestProblem[] {
  const at = ({ line, column }: ManifestProblem): [number, number] => [line ?? 0, column ?? 0];
  return problems.toSorted((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1]);
}

function shorten(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}
