import {
  identifierOf,
  type AttributeDefinition,
  type Attributes,
  type Kind,
  type Mixin,
  type OcciValue,
} from './category.ts';
import type { Registry } from './registry.ts';

/** What is wrong with an instance, and of which attribute or category. */
export type Fault = { readonly name: string; readonly message: string };

/** What a client may want to have or to change: attributes that only the server sets are left out. */
export type Checked = { readonly attributes: Attributes; readonly faults: readonly Fault[] };

/** All definitions of a kind and mixins together, those that the mixins depend on included. */
export function definitionsOf(kind: Kind, mixins: readonly Mixin[], registry: Registry): Definitions {
  const all = new Map(Object.entries(kind.attributes));
  for (const mixin of withDependencies(mixins, registry))
    for (const [name, definition] of Object.entries(mixin.attributes)) all.set(name, definition);
  return all;
}

export type Definitions = ReadonlyMap<string, AttributeDefinition>;

/** Mixins that cannot be added to instances of the kind. */
export function checkMixins(kind: Kind, mixins: readonly Mixin[], registry: Registry): readonly Fault[] {
  const identifier = identifierOf(kind);
  return mixins
    .filter((mixin) => !appliesTo(mixin, identifier, registry))
    .map((mixin) => ({ name: identifierOf(mixin), message: `does not apply to ${kind.term}` }));
}

function appliesTo(mixin: Mixin, kind: string, registry: Registry): boolean {
  const { applies } = mixin;
  return applies.length === 0 || applies.some((one) => registry.isA(kind, one));
}

/**
 * The attributes that a client gave, each of the type and in the range that its definition names. What only the server sets is
 * left out without a word: a client that sends back what it read changes one thing and means no harm.
 */
export function checkAttributes(given: Attributes, definitions: Definitions): Checked {
  const attributes = new Map<string, OcciValue>();
  const faults: Fault[] = [];
  for (const [name, value] of given) {
    const definition = definitions.get(name);
    const message = definition ? faultOf(value, definition) : 'there is no such attribute';
    if (message !== undefined && definition?.isMutable !== false) faults.push({ name, message });
    else if (definition?.isMutable === true) attributes.set(name, value);
  }
  return { attributes, faults };
}

/** With the defaults of what was not given; a fault for each that is required and missing. */
export function completed({ attributes, faults }: Checked, definitions: Definitions): Checked {
  const all = new Map(attributes);
  const missing: Fault[] = [];
  for (const [name, definition] of definitions) {
    if (all.has(name)) continue;
    if (definition.default !== undefined) all.set(name, definition.default);
    else if (definition.isRequired) missing.push({ name, message: 'is required' });
  }
  return { attributes: all, faults: [...faults, ...missing] };
}

function faultOf(value: OcciValue, definition: AttributeDefinition): string | undefined {
  const { type, values } = definition;
  if (typeof value !== type) return `is a ${type}`;
  if (values && !values.includes(String(value))) return `is one of ${values.join(', ')}`;
  return typeof value === 'number' ? rangeFaultOf(value, definition) : undefined;
}

function rangeFaultOf(value: number, definition: AttributeDefinition): string | undefined {
  const { minimum = -Infinity, maximum = Infinity, isInteger = false } = definition;
  if (isInteger && !Number.isInteger(value)) return 'is a whole number';
  if (value < minimum) return `is at least ${minimum}`;
  return value > maximum ? `is at most ${maximum}` : undefined;
}

function withDependencies(mixins: readonly Mixin[], registry: Registry): readonly Mixin[] {
  const all = new Map<string, Mixin>();
  const add = (mixin: Mixin): void => {
    const identifier = identifierOf(mixin);
    if (all.has(identifier)) return;
    all.set(identifier, mixin);
    for (const dependency of mixin.depends) {
      const other = registry.mixin(dependency);
      if (other) add(other);
    }
  };
  mixins.forEach(add);
  return [...all.values()];
}
