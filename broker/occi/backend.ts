import type { Role } from '@medusa/protocol';
import type { AuditActor } from '../audit/index.ts';
import type { User } from '../identity/index.ts';
import type { Attributes, Kind, Mixin } from './model/index.ts';

/** Who asks. */
export type OcciCaller = { readonly user: User; readonly actor: AuditActor };

/** An instance as its backend knows it. */
export type Instance = {
  readonly id: string;
  /** Identifiers; those that users define are not among them. */
  readonly mixins: readonly string[];
  /** Without `occi.core.id`; source and target of a link are paths below the root of OCCI, e.g. `/compute/a`. */
  readonly attributes: Attributes;
  /** Terms of the actions that its present state allows. */
  readonly actions: readonly string[];
};

/** A link that is wanted together with its source. */
export type NewLink = {
  readonly kind: string;
  /** Path below the root of OCCI. */
  readonly target: string;
  readonly mixins: readonly string[];
  readonly attributes: Attributes;
};

/** What a client wants: checked against kind and mixins, defaults filled in. */
export type NewInstance = {
  /** null: the backend chooses one. */
  readonly id: string | null;
  readonly mixins: readonly string[];
  readonly attributes: Attributes;
  /** Of the kinds in `linksAtBirth` alone. */
  readonly links: readonly NewLink[];
};

type Call = { readonly term: string; readonly attributes: Attributes };

/**
 * Where the instances of one kind come from. What is left out cannot be done, and is answered with 405.
 * All throw AppError: `resource.conflict` for what the present state does not allow, `request.invalid` for what cannot be had,
 * `occi.not-implemented` for what the standard has and the backend has not.
 */
export interface OcciBackend {
  readonly kind: Kind;
  /** Roles that see instances, and roles that change them. */
  readonly access: { readonly read: readonly Role[]; readonly change: readonly Role[] };
  /** Terms of the kind's actions that work here: only these are published. */
  readonly actions: readonly string[];
  /** Whether a client may choose the id, by PUT. */
  readonly takesIds: boolean;
  /** Kinds of links that can only be made together with their source. */
  readonly linksAtBirth: readonly string[];
  list(by: OcciCaller): Promise<readonly Instance[]>;
  /** undefined: there is none, or none for this caller. */
  get(id: string, by: OcciCaller): Promise<Instance | undefined>;
  create?(wanted: NewInstance, by: OcciCaller): Promise<Instance>;
  /** `changes` are the attributes that differ from what is there, those of a replacement too. */
  update?(id: string, changes: Attributes, by: OcciCaller): Promise<Instance>;
  /** Afterwards it is not found any more, even if its end takes longer. */
  delete?(id: string, by: OcciCaller): Promise<void>;
  act?(id: string, call: Call, by: OcciCaller): Promise<Instance>;
}

/** What users add to instances, whatever these are: titles, and mixins of their own. */
export type Note = {
  readonly title: string | null;
  readonly summary: string | null;
  /** Identifiers. */
  readonly mixins: readonly string[];
};

export const emptyNote: Note = { title: null, summary: null, mixins: [] };

/** Where mixins of users and notes are kept. Paths are those below the root of OCCI. */
export interface OcciStore {
  mixins(): Promise<readonly Mixin[]>;
  /** Replaces the one with the same identifier. */
  addMixin(mixin: Mixin): Promise<void>;
  /** And takes it off every instance. */
  removeMixin(identifier: string): Promise<void>;
  /** Of every instance that has one. */
  notes(): Promise<ReadonlyMap<string, Note>>;
  /** Reads and writes as one; an empty note is none. */
  change(paths: readonly string[], change: (note: Note, path: string) => Note): Promise<void>;
}
