import type { Attributes } from './category.ts';

/** A link as its source resource shows it. Locations are URI references. */
export type LinkRendering = {
  readonly target: string;
  /** Identifier of the target's kind. */
  readonly rel: string | null;
  /** Location of the link itself; null in a request for a new one. */
  readonly self: string | null;
  /** Identifier of the link's kind; null: a bare reference. */
  readonly kind: string | null;
  readonly mixins: readonly string[];
  /** Without those that the other fields tell. */
  readonly attributes: Attributes;
};

/** An instance, or a part of one in a request: resource and link alike. Categories are told by their identifiers. */
export type EntityRendering = {
  /** null in a request that changes what is there. */
  readonly kind: string | null;
  readonly mixins: readonly string[];
  /** `occi.core.*` among them, source and target of a link too. */
  readonly attributes: Attributes;
  readonly links: readonly LinkRendering[];
  /** Identifiers of those that can be called in its present state. */
  readonly actions: readonly string[];
};

/** An instance and the absolute URI where it is. */
export type LocatedEntity = { readonly location: string; readonly entity: EntityRendering };

/** The call of an action; its identifier and arguments. */
export type ActionCall = { readonly action: string; readonly attributes: Attributes };
