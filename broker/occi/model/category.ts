/** Of an attribute. Whole numbers and text share one space: the definition says which of them it is. */
export type OcciValue = string | number | boolean;

/** Attributes by name, e.g. `occi.compute.cores` → 2. */
export type Attributes = ReadonlyMap<string, OcciValue>;

/** An attribute as a category defines it (GFD.221 §4.2, Attribute). */
export type AttributeDefinition = {
  readonly type: 'string' | 'number' | 'boolean';
  /** A client must give it to create an instance. */
  readonly isRequired: boolean;
  /** A client may give it; otherwise only the server does. */
  readonly isMutable: boolean;
  readonly default?: OcciValue;
  readonly description?: string;
  /** Nothing else is taken. */
  readonly values?: readonly string[];
  readonly isInteger?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
};

type Category = {
  /** Unique within the scheme: a lower case letter, then letters, digits, `-`, `_`. */
  readonly term: string;
  /** A URI that ends in `#`. */
  readonly scheme: string;
  readonly title: string;
  readonly attributes: Readonly<Record<string, AttributeDefinition>>;
};

/** Of an operation on instances (GFD.221 §4.4); its attributes are the operation's arguments. */
export type Action = Category & { readonly class: 'action' };

/** The type of an instance, which it has for life (GFD.221 §4.3). */
export type Kind = Category & {
  readonly class: 'kind';
  /** Identifier of the kind that it extends; null = `entity`, the root. */
  readonly parent: string | null;
  readonly actions: readonly Action[];
  /** Path of its collection, with slashes at both ends; null = it has no instances of its own. */
  readonly location: string | null;
};

/** What can be added to instances: a capability, a template or a tag (GFD.221 §4.5). */
export type Mixin = Category & {
  readonly class: 'mixin';
  readonly actions: readonly Action[];
  /** Identifiers of mixins that it builds upon. */
  readonly depends: readonly string[];
  /** Identifiers of kinds that it may be added to; none = any. */
  readonly applies: readonly string[];
  readonly location: string;
};

export type AnyCategory = Kind | Mixin | Action;

/** Scheme and term, which together name a category everywhere. */
export function identifierOf({ scheme, term }: Pick<Category, 'scheme' | 'term'>): string {
  return `${scheme}${term}`;
}

/** Scheme, with its `#`, and term of an identifier. */
export function splitIdentifier(identifier: string): { readonly scheme: string; readonly term: string } {
  const end = identifier.lastIndexOf('#') + 1;
  return { scheme: identifier.slice(0, end), term: identifier.slice(end) };
}

type Details = Omit<AttributeDefinition, 'type' | 'isRequired' | 'isMutable'>;

/** An attribute that a client may give and change. */
export function mutable(type: AttributeDefinition['type'], details: Details = {}): AttributeDefinition {
  return { type, isRequired: false, isMutable: true, ...details };
}

/** An attribute that a client has to give. */
export function required(type: AttributeDefinition['type'], details: Details = {}): AttributeDefinition {
  return { type, isRequired: true, isMutable: true, ...details };
}

/** An attribute that only the server sets. */
export function immutable(type: AttributeDefinition['type'], details: Details = {}): AttributeDefinition {
  return { type, isRequired: false, isMutable: false, ...details };
}

/** An operation of a kind or mixin. */
export function actionOf(scheme: string, term: string, attributes: Action['attributes'] = {}): Action {
  return {
    class: 'action',
    scheme,
    term,
    title: `${term[0]?.toUpperCase() ?? ''}${term.slice(1)}`,
    attributes,
  };
}
