import XMLBuilder from 'fast-xml-builder';
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { refuseDocumentType } from './document.ts';

/** What XML-RPC can carry (http://xmlrpc.com/spec.md), as far as the providers use it. */
export type XmlRpcValue =
  string | number | boolean | readonly XmlRpcValue[] | { readonly [member: string]: XmlRpcValue };

export type XmlRpcAnswer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly code: number; readonly text: string };

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  preserveOrder: true,
  // Only XML's own five; a long log in an answer may hold many.
  processEntities: { enabled: true, maxTotalExpansions: 1_000_000 },
});
const builder = new XMLBuilder({ preserveOrder: true, suppressEmptyNode: false });

type Node = { readonly name: string; readonly children: readonly Node[]; readonly text: string };

/** The body of one call. */
export function encodeCall(method: string, parameters: readonly XmlRpcValue[]): string {
  const params = parameters.map((parameter) => ({ param: [valueNode(parameter)] }));
  const call = [{ methodCall: [{ methodName: [{ '#text': method }] }, { params }] }];
  return `<?xml version="1.0" encoding="UTF-8"?>${builder.build(call)}`;
}

/** @throws when the text is not an XML-RPC response. */
export function decodeResponse(text: string): XmlRpcAnswer {
  const response = child(parse(text), 'methodResponse');
  const fault = response.children.find(({ name }) => name === 'fault');
  if (fault) {
    const { faultCode, faultString } = faultSchema.parse(readValue(child(fault, 'value')));
    return { kind: 'fault', code: faultCode, text: faultString };
  }
  return { kind: 'value', value: readValue(child(child(child(response, 'params'), 'param'), 'value')) };
}

/** The other way round, for whoever plays a server. */
export function decodeCall(text: string): {
  readonly method: string;
  readonly parameters: readonly unknown[];
} {
  const call = child(parse(text), 'methodCall');
  const params = call.children.find(({ name }) => name === 'params')?.children ?? [];
  return {
    method: child(call, 'methodName').text,
    parameters: params.map((param) => readValue(child(param, 'value'))),
  };
}

export function encodeResponse(value: XmlRpcValue): string {
  return builder.build([{ methodResponse: [{ params: [{ param: [valueNode(value)] }] }] }]);
}

const faultSchema = z.object({ faultCode: z.coerce.number(), faultString: z.string() });

function valueNode(value: XmlRpcValue): Record<string, unknown> {
  return { value: [typedNode(value)] };
}

function typedNode(value: XmlRpcValue): Record<string, unknown> {
  if (typeof value === 'string') return { string: [{ '#text': value }] };
  if (typeof value === 'boolean') return { boolean: [{ '#text': value ? '1' : '0' }] };
  if (typeof value === 'number')
    return { [Number.isInteger(value) ? 'int' : 'double']: [{ '#text': String(value) }] };
  if (isList(value)) return { array: [{ data: value.map(valueNode) }] };
  const members = Object.entries(value).map(([name, member]) => ({
    member: [{ name: [{ '#text': name }] }, valueNode(member)],
  }));
  return { struct: members };
}

function isList(value: XmlRpcValue): value is readonly XmlRpcValue[] {
  return Array.isArray(value);
}

function readValue(value: Node): unknown {
  const typed = value.children[0];
  // A value without a type is a string.
  if (!typed) return value.text;
  if (typed.name === 'int' || typed.name === 'i4' || typed.name === 'i8' || typed.name === 'double')
    return Number(typed.text);
  if (typed.name === 'boolean') return typed.text.trim() === '1';
  if (typed.name === 'nil') return null;
  if (typed.name === 'array') return child(typed, 'data').children.map(readValue);
  if (typed.name === 'struct')
    return Object.fromEntries(
      typed.children.map((member) => [child(member, 'name').text, readValue(child(member, 'value'))]),
    );
  return typed.text;
}

const maxDepth = 64;

function parse(text: string): Node {
  return { name: '', text: '', children: toNodes(parser.parse(refuseDocumentType(text)) as unknown, 0) };
}

/** fast-xml-parser's ordered form: a list of `{ name: children }` and `{ '#text': … }`. */
function toNodes(list: unknown, depth: number): Node[] {
  if (!Array.isArray(list) || depth > maxDepth) throw new Error('Not an XML-RPC document');
  return list.flatMap((entry: Record<string, unknown>) =>
    Object.entries(entry).flatMap(([name, content]) => {
      if (name === '#text' || name === ':@' || name.startsWith('?')) return [];
      return [{ name, text: textOf(content), children: toNodes(content, depth + 1) }];
    }),
  );
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return content
    .map((entry: Record<string, unknown>) => (typeof entry['#text'] === 'string' ? entry['#text'] : ''))
    .join('');
}

function child(parent: Node, name: string): Node {
  const found = parent.children.find((node) => node.name === name);
  if (!found) throw new Error(`Not an XML-RPC document: ${name} is missing in ${parent.name || 'it'}`);
  return found;
}
