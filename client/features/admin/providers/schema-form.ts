import { z } from 'zod';

/** What a JSON Schema (draft 2020-12, as zod writes it) asks for, as far as a form can ask a person for it. */
export type Shape =
  | { readonly kind: 'text'; readonly isLong: boolean; readonly isSecret: boolean }
  | { readonly kind: 'number'; readonly limits: { readonly min?: number; readonly max?: number } }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  | { readonly kind: 'words' }
  | { readonly kind: 'object'; readonly fields: readonly Field[]; readonly constants: Values }
  | { readonly kind: 'items'; readonly item: Extract<Shape, { kind: 'object' }> }
  | { readonly kind: 'variants'; readonly variants: readonly Variant[] }
  /** Whatever else: written as JSON. */
  | { readonly kind: 'json'; readonly isSecret: boolean };
export type Values = Readonly<Record<string, unknown>>;
export type Variant = { readonly label: string; readonly shape: Extract<Shape, { kind: 'object' }> };
export type Field = {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly isRequired: boolean;
  readonly initial: unknown;
  readonly shape: Shape;
};

type Node = z.infer<typeof nodeSchema>;
const nodeSchema = z.object({
  /** `[X, null]` is X that may be left out. */
  type: z
    .union([z.string(), z.array(z.string()).transform((types) => types.find((type) => type !== 'null'))])
    .optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});

/** Keys and certificates have lines; an input of one line would swallow the breaks. */
const longNames = /certificate|private_?key|^key$|pem|^ca$|ca_?cert|kubeconfig/i;

export function shapeOf(schema: unknown, isSecret: boolean, name = ''): Shape {
  const node = withoutNull(nodeSchema.safeParse(schema).data ?? {});
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives) return shapeOfAlternatives(alternatives, isSecret);
  if (node.enum) return shapeOfEnum(node.enum, isSecret);
  return shapeOfType[node.type ?? '']?.(node, isSecret, name) ?? { kind: 'json', isSecret };
}

const shapeOfType: Readonly<Record<string, (node: Node, isSecret: boolean, name: string) => Shape>> = {
  string: (_node, isSecret, name) => ({ kind: 'text', isLong: longNames.test(name), isSecret }),
  number: (node) => ({ kind: 'number', limits: limitsOf(node) }),
  integer: (node) => ({ kind: 'number', limits: limitsOf(node) }),
  boolean: () => ({ kind: 'flag' }),
  object: (node, isSecret) => (node.properties ? objectOf(node, isSecret) : { kind: 'json', isSecret }),
  array: (node, isSecret) => shapeOfArray(node, isSecret),
};

/** Only words: a number chosen from a list would come back as a word. */
function shapeOfEnum(values: readonly unknown[], isSecret: boolean): Shape {
  const options = values.filter((value) => typeof value === 'string');
  return options.length === values.length ? { kind: 'choice', options } : { kind: 'json', isSecret };
}

/** zod bounds every integer by what JavaScript can count: no limit that a person needs to read. */
function limitsOf({ minimum, maximum }: Node): { min?: number; max?: number } {
  const isSaid = (limit: number | undefined): limit is number =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  return {
    ...(isSaid(minimum) ? { min: minimum } : {}),
    ...(isSaid(maximum) ? { max: maximum } : {}),
  };
}

function objectOf(node: Node, isSecret: boolean): Extract<Shape, { kind: 'object' }> {
  const constants: Record<string, unknown> = {};
  const fields: Field[] = [];
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    const child = nodeSchema.safeParse(property).data ?? {};
    if (child.const !== undefined) {
      constants[name] = child.const;
      continue;
    }
    fields.push({
      name,
      label: child.title ?? wordsOf(name),
      help: child.description ?? '',
      isRequired: node.required?.includes(name) === true,
      initial: child.default,
      shape: shapeOf(property, isSecret, name),
    });
  }
  return { kind: 'object', fields, constants };
}

function shapeOfArray(node: Node, isSecret: boolean): Shape {
  const item = shapeOf(node.items, isSecret);
  if (item.kind === 'object') return { kind: 'items', item };
  return item.kind === 'text' || item.kind === 'choice' ? { kind: 'words' } : { kind: 'json', isSecret };
}

function shapeOfAlternatives(alternatives: readonly unknown[], isSecret: boolean): Shape {
  const variants = alternatives.flatMap((alternative): Variant[] => {
    const shape = shapeOf(alternative, isSecret);
    if (shape.kind !== 'object') return [];
    const node = nodeSchema.safeParse(alternative).data;
    const named = Object.values(shape.constants).filter((value) => typeof value === 'string');
    const label = node?.title ?? named[0] ?? shape.fields.map((field) => field.label).join(', ');
    return [{ label: label === '' ? '–' : label, shape }];
  });
  if (variants.length === alternatives.length) return { kind: 'variants', variants };
  const words = alternatives.every((alternative) => shapeOf(alternative, isSecret).kind === 'text');
  return words ? { kind: 'text', isLong: false, isSecret } : { kind: 'json', isSecret };
}

/** `anyOf: [X, null]` is X that may be left out. */
function withoutNull(node: Node): Node {
  const rest = node.anyOf?.filter((alternative) => nodeSchema.safeParse(alternative).data?.type !== 'null');
  if (!rest) return node;
  if (rest.length !== 1) return { ...node, anyOf: rest };
  return nodeSchema.safeParse(rest[0]).data ?? node;
}

/** `userDomainName` → `User domain name`. */
function wordsOf(name: string): string {
  const words = name.replaceAll(
    /([a-z0-9])([A-Z])/g,
    (_all, left: string, right: string) => `${left} ${right.toLowerCase()}`,
  );
  const spelled = words
    .replaceAll('_', ' ')
    .replaceAll(/\b(?:url|ca|tls|ssh|id|cidr)\b/gi, (word) => word.toUpperCase());
  return spelled.charAt(0).toUpperCase() + spelled.slice(1);
}

/** What a new form shows. */
export function initialOf(shape: Shape): Values {
  const first = shape.kind === 'variants' ? shape.variants[0]?.shape : shape;
  if (first?.kind !== 'object') return {};
  const values = first.fields.flatMap(({ name, initial, shape: inner, isRequired }): [string, unknown][] => {
    if (initial !== undefined) return [[name, initial]];
    if (inner.kind === 'object' && isRequired) return [[name, initialOf(inner)]];
    return [];
  });
  return { ...first.constants, ...Object.fromEntries(values) };
}

/** What is sent: what was left empty is left out. `undefined` = nothing at all was filled in. */
export function filledIn(values: unknown): unknown {
  if (values === '' || values === null) return undefined;
  if (Array.isArray(values)) {
    const items = values.map((item) => filledIn(item)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof values !== 'object') return values;
  const filled = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const inner = filledIn(value);
    return inner === undefined ? [] : [[name, inner]];
  });
  return filled.length === 0 ? undefined : Object.fromEntries(filled);
}

/** The variant whose constants the values have. */
export function variantOf(variants: readonly Variant[], values: Values): number {
  const found = variants.findIndex(
    ({ shape }) =>
      Object.keys(shape.constants).length > 0 &&
      Object.entries(shape.constants).every(([name, constant]) => values[name] === constant),
  );
  if (found >= 0) return found;
  const byFields = variants.findIndex(({ shape }) =>
    Object.keys(values).some((name) => shape.fields.some((field) => field.name === name)),
  );
  return Math.max(0, byFields);
}
