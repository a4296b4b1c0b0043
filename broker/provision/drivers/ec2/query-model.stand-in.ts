import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** Name of the shape, of the parameter in a request, and of the element in an answer. */
const memberSchema = z.tuple([z.string(), z.string(), z.string()]);
const lineSchema = z.union([
  z.object({ operation: z.string(), input: z.string(), output: z.string().nullable() }),
  z.object({ list: z.string(), of: z.string(), item: z.string() }),
  z.object({
    structure: z.string(),
    required: z.array(z.string()).default([]),
    members: z.record(z.string(), memberSchema),
  }),
]);
type Operation = { input: string; output: string | null };
type List = { of: string; item: string };
type Structure = { required: string[]; members: Record<string, z.infer<typeof memberSchema>> };

export class QueryError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export type Values = Record<string, unknown>;

/** The service's own model (`recorded/README.md`): which parameters a request may have, and how an answer is written. */
export type QueryModel = {
  /** The request's members. A parameter that the service does not know is refused, as it does. */
  read(parameters: URLSearchParams): { action: string; input: Values };
  write(action: string, output: Values, requestId: string): string;
};

export function openQueryModel(): QueryModel {
  const operations = new Map<string, Operation>();
  const lists = new Map<string, List>();
  const structures = new Map<string, Structure>();
  const file = path.join(import.meta.dirname, 'recorded/ec2-2016-11-15.jsonl');
  for (const text of readFileSync(file, 'utf8').trim().split('\n')) {
    const line = lineSchema.parse(JSON.parse(text));
    if ('operation' in line) operations.set(line.operation, line);
    else if ('list' in line) lists.set(line.list, line);
    else structures.set(line.structure, line);
  }

  const readShape = (shape: string, prefix: string, parameters: Map<string, string>): unknown => {
    const list = lists.get(shape);
    if (list) return readList(list, prefix, parameters);
    const structure = structures.get(shape);
    if (structure) return readStructure(structure, `${prefix}.`, parameters);
    const value = parameters.get(prefix);
    parameters.delete(prefix);
    return value === undefined ? undefined : readScalar(shape, value, prefix);
  };
  const isUnder = (prefix: string, parameters: Map<string, string>): boolean =>
    [...parameters.keys()].some((name) => name === prefix || name.startsWith(`${prefix}.`));
  const readList = (list: List, prefix: string, parameters: Map<string, string>): unknown[] => {
    const items: unknown[] = [];
    for (let number = 1; isUnder(`${prefix}.${number}`, parameters); number += 1)
      items.push(readShape(list.of, `${prefix}.${number}`, parameters));
    return items;
  };
  const readStructure = (structure: Structure, prefix: string, parameters: Map<string, string>): Values => {
    const values: Values = {};
    for (const [name, [shape, parameter]] of Object.entries(structure.members))
      if (isUnder(prefix + parameter, parameters))
        values[name] = readShape(shape, prefix + parameter, parameters);
    for (const name of structure.required)
      if (values[name] === undefined)
        throw new QueryError('MissingParameter', `The request must contain the parameter ${name}`);
    return values;
  };

  const writeShape = (shape: string, value: unknown): string => {
    const list = lists.get(shape);
    if (list)
      return (value as unknown[]).map((item) => element(list.item, writeShape(list.of, item))).join('');
    const structure = structures.get(shape);
    if (structure) return writeStructure(structure, value as Values);
    return escape(value instanceof Date ? value.toISOString() : String(value));
  };
  const writeStructure = (structure: Structure, values: Values): string => {
    const unknown = Object.keys(values).filter((name) => !(name in structure.members));
    if (unknown.length > 0) throw new Error(`The service has no such members: ${unknown.join(', ')}`);
    return Object.entries(structure.members)
      .flatMap(([name, [shape, , tag]]) =>
        values[name] === undefined ? [] : [element(tag, writeShape(shape, values[name]))],
      )
      .join('');
  };

  return {
    read(parameters) {
      const rest = new Map(parameters);
      const action = rest.get('Action') ?? '';
      const operation = operations.get(action);
      if (!operation)
        throw new QueryError('InvalidAction', `The action ${action} is not valid for this web service.`);
      if (rest.get('Version') !== '2016-11-15') throw new QueryError('InvalidAction', 'Not this version');
      rest.delete('Action');
      rest.delete('Version');
      const structure = structures.get(operation.input) ?? { required: [], members: {} };
      const input = readStructure(structure, '', rest);
      const [unknown] = rest.keys();
      if (unknown !== undefined)
        throw new QueryError('UnknownParameter', `The parameter ${unknown} is not recognized`);
      return { action, input };
    },
    write(action, output, requestId) {
      const structure = structures.get(operations.get(action)?.output ?? '');
      const body = structure ? writeStructure(structure, output) : element('return', 'true');
      return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${element('requestId', requestId)}${body}</${action}Response>`;
    },
  };
}

function readScalar(shape: string, value: string, name: string): unknown {
  switch (shape) {
    case 'integer':
    case 'long':
    case 'double': {
      if (!Number.isFinite(Number(value)))
        throw new QueryError('InvalidParameterValue', `${name} is no number`);
      return Number(value);
    }
    case 'boolean':
      return value === 'true';
    default:
      return value;
  }
}

const element = (tag: string, content: string): string => `<${tag}>${content}</${tag}>`;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
