import type { Attributes, OcciValue } from '../model/index.ts';
import { isAttributeName, malformed } from './payload.ts';

/** The four structures of the text renderings (GFD.229 §4): lines of a body, or headers. */
export const fieldNames = ['category', 'link', 'x-occi-attribute', 'x-occi-location'] as const;
export type FieldName = (typeof fieldNames)[number];

/** One line or header; it may hold several values with commas between. */
export type Field = {
  readonly name: FieldName;
  readonly value: string;
  /** Where the value begins. */
  readonly place: FieldPlace;
};

type FieldPlace =
  | { readonly line: number; readonly column: number }
  | { readonly header: string; readonly occurrence: number; readonly column: number };

export type Parameter = { readonly name: string; readonly value: string; readonly isQuoted: boolean };

/** A value and where in it the reader stands. */
export type Scanner = { readonly field: Field; at: number };

export function fail(scanner: Scanner, message: string): never {
  const { place } = scanner.field;
  throw malformed(message, { ...place, column: place.column + scanner.at });
}

/** The characters up to one of `ends`, without white space around them. */
export function readUntil(scanner: Scanner, ends: string): string {
  const { value } = scanner.field;
  const start = scanner.at;
  while (scanner.at < value.length && !ends.includes(value[scanner.at] ?? '')) scanner.at += 1;
  return value.slice(start, scanner.at).trim();
}

function skipSpace(scanner: Scanner): void {
  const { value } = scanner.field;
  while (value[scanner.at] === ' ' || value[scanner.at] === '\t') scanner.at += 1;
}

/** Takes the character if it is the next one after white space. */
export function accept(scanner: Scanner, character: string): boolean {
  skipSpace(scanner);
  if (scanner.field.value[scanner.at] !== character) return false;
  scanner.at += 1;
  return true;
}

function isAtEnd(scanner: Scanner): boolean {
  skipSpace(scanner);
  return scanner.at >= scanner.field.value.length;
}

/** RFC 9110 §5.6.4, quoted-string; the opening quote is taken already. */
function readQuoted(scanner: Scanner): string {
  const { value } = scanner.field;
  let text = '';
  for (; scanner.at < value.length; scanner.at += 1) {
    const character = value[scanner.at];
    if (character === '"') {
      scanner.at += 1;
      return text;
    }
    if (character === '\\') scanner.at += 1;
    text += value[scanner.at] ?? '';
  }
  return fail(scanner, 'A quotation has no end');
}

function readValue(scanner: Scanner): Omit<Parameter, 'name'> {
  if (accept(scanner, '"')) return { value: readQuoted(scanner), isQuoted: true };
  const value = readUntil(scanner, ';,"');
  if (value === '') fail(scanner, 'A value is missing');
  return { value, isQuoted: false };
}

/** `name=value`, the value quoted or not. */
export function readPair(scanner: Scanner): Parameter {
  skipSpace(scanner);
  const start = scanner.at;
  const name = readUntil(scanner, '=;,"');
  if (name === '' || !accept(scanner, '=')) {
    scanner.at = start;
    return fail(scanner, 'A name and = are expected');
  }
  return { name, ...readValue(scanner) };
}

/** `;name=value` as often as there are, up to a comma or the end. A semicolon after the last one does no harm. */
export function readParameters(scanner: Scanner): Parameter[] {
  const parameters: Parameter[] = [];
  while (accept(scanner, ';')) {
    if (isAtEnd(scanner) || scanner.field.value[scanner.at] === ',') break;
    if (scanner.field.value[scanner.at] === ';') continue;
    parameters.push(readPair(scanner));
  }
  return parameters;
}

/** All values of a field, one after the other. */
export function readList<Value>(field: Field, read: (scanner: Scanner) => Value): Value[] {
  const scanner: Scanner = { field, at: 0 };
  const values: Value[] = [];
  while (!isAtEnd(scanner)) {
    // RFC 9110 §5.6.1: empty elements of a list are passed over.
    if (accept(scanner, ',')) continue;
    values.push(read(scanner));
    if (!isAtEnd(scanner) && !accept(scanner, ',')) fail(scanner, 'A comma or the end is expected');
  }
  return values;
}

const numeric = /^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** What is not in quotes is a number or a truth value; any other word is taken as text. */
export function valueOf({ value, isQuoted }: Omit<Parameter, 'name'>): OcciValue {
  if (isQuoted) return value;
  if (value === 'true' || value === 'false') return value === 'true';
  const isNumber = numeric.test(value) && Number.isFinite(Number(value));
  return isNumber ? Number(value) : value;
}

export function attributesOf(scanner: Scanner, parameters: readonly Parameter[]): Attributes {
  const attributes = new Map<string, OcciValue>();
  for (const parameter of parameters) {
    const { name } = parameter;
    if (!isAttributeName(name)) fail(scanner, `${name} is not the name of an attribute`);
    attributes.set(name, valueOf(parameter));
  }
  return attributes;
}

/** Nearly all that there is to quote: seen at a glance, where the replacement looks at each character. */
const plainText = /^[ !#-[\]-~]*$/;

/** RFC 9110 §5.6.4. Controls, line ends above all, have no place in a line or a header: a space stands for each. */
export function quoted(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  const escaped = text.replace(/["\\\p{Cc}]/gu, (one) => (one === '"' || one === '\\' ? `\\${one}` : ' '));
  return `"${escaped}"`;
}

export function textOf(value: OcciValue): string {
  return typeof value === 'string' ? quoted(value) : String(value);
}
