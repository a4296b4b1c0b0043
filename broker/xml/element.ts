/** In a document, counted from 1. */
export type Place = { readonly line: number; readonly column: number };

/** What is wrong with a document, and where. */
export type XmlProblem = Place & { readonly message: string };

/** An element as it was read. Its place is where its tag begins. */
export type XmlElement = Place & {
  /** Without its prefix. */
  readonly name: string;
  /** '' = none. */
  readonly namespace: string;
  /** By name; one with a prefix as `prefix:name`. Namespace declarations are not among them. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All text that is directly in it, without white space around it. */
  readonly text: string;
};

/** An element to be written. `undefined` attributes and children are left out. */
export type NewElement = {
  /** With its prefix; the root's attributes declare what prefixes mean. */
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly children?: readonly (NewElement | undefined)[];
  /** Not together with children. */
  readonly text?: string | undefined;
};
