import type { ResourceKind } from '@medusa/protocol';

/**
 * Whose a thing is, written on the thing itself at the provider (tags, metadata, labels, a name).
 * `owner` names this installation of Medusa, `resource` the desired resource, `incarnation` counts its replacements from 1.
 */
export type OwnerTag = { readonly owner: string; readonly resource: string; readonly incarnation: number };

/**
 * One changing call. `id` is the same when the same call is made again after a crash: the provider's idempotency token,
 * where it has one (EC2 `ClientToken`).
 */
export type Operation = { readonly id: string; readonly signal: AbortSignal };

/** Normalised life of anything at a provider. `terminated` = it is listed, but gone for good. */
export type ItemState =
  | 'pending'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'suspended'
  | 'error'
  | 'terminated'
  | 'unknown';

/** Anything a provider holds for us. Networks, addresses, volumes and images that can be used are `running`. */
export type Item = {
  /** The provider's own id. */
  readonly ref: string;
  readonly name: string;
  readonly tag: OwnerTag;
  readonly state: ItemState;
  /** The provider's word for it, e.g. `ACTIVE`, `BUILD/spawning`, and why, when it is in error. */
  readonly detail: string;
  readonly createdAt: Date | null;
};

/**
 * One kind of thing at a provider. The contract, run against every driver by `driver.contract.ts`:
 * - `create` gives the thing the name and tag it is told and answers when the provider has accepted it, not when it is ready.
 *   Where names are unique (`traits.uniqueNames`) and the name is taken by the same tag, it answers that thing.
 *   A create that fails with a known outcome leaves nothing behind.
 * - `get` tells the provider's truth, never a cached one; `undefined` when it is not (or not yet, or not any more) known there.
 * - `list` answers everything with that owner, all pages, each thing once; things in `error` too.
 * - `destroy` of what is absent succeeds. It may resolve before the thing is gone: `get` then tells `stopping`, later `undefined` or `terminated`.
 * - Every failure is a `ProviderError`. Calls end when their signal aborts.
 */
export interface ResourcePort<Spec, Thing extends Item> {
  create(spec: Spec, tag: OwnerTag, name: string, operation: Operation): Promise<Thing>;
  get(ref: string, signal: AbortSignal): Promise<Thing | undefined>;
  list(owner: string, signal: AbortSignal): Promise<readonly Thing[]>;
  destroy(ref: string, operation: Operation): Promise<void>;
}

/**
 * The one name of an incarnation: lower case, a DNS label of at most 63 characters (RFC 1123), the same after every crash.
 * `owner` is 8 characters of a–z and 0–9, `resource` at most 32 of them and hyphens.
 */
export function nameOf(kind: ResourceKind, { owner, resource, incarnation }: OwnerTag): string {
  return `medusa-${owner}-${kind.slice(0, 3)}-${resource}-${incarnation}`;
}

const namePattern = /^medusa-([a-z0-9]{1,12})-([a-z]{3})-([a-z0-9-]+)-([0-9]{1,9})$/;

/** Reads the tag back out of a name that `nameOf` made: for providers that cannot mark a thing otherwise. */
export function tagOf(kind: ResourceKind, name: string): OwnerTag | undefined {
  const [, owner, prefix, resource, incarnation] = namePattern.exec(name) ?? [];
  if (owner === undefined || resource === undefined || prefix !== kind.slice(0, 3)) return undefined;
  return { owner, resource, incarnation: Number(incarnation) };
}
