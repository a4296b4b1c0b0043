import type { ResourceKind } from '@medusa/protocol';
import type { ItemState, OwnerTag } from '../../port/index.ts';

/** What a thing looks like; further fields depend on its kind. */
export type View = {
  readonly state: ItemState;
  readonly detail: string;
  readonly [field: string]: unknown;
};

export type Thing = {
  readonly kind: ResourceKind;
  readonly ref: string;
  readonly name: string;
  readonly tag: OwnerTag;
  readonly createdAtMs: number;
  readonly spec: unknown;
  /** By time, also of what is still to come; `view: null` = gone. */
  readonly versions: { readonly atMs: number; readonly view: View | null }[];
};

export function viewAt(thing: Thing, atMs: number): View | null {
  return thing.versions.findLast((version) => version.atMs <= atMs)?.view ?? null;
}

/** From now on it is `views`, one after another; what was still to come is not. */
export function change(
  thing: Thing,
  nowMs: number,
  views: readonly { inMs: number; view: View | null }[],
): void {
  const { versions } = thing;
  while ((versions.at(-1)?.atMs ?? 0) > nowMs) versions.pop();
  for (const { inMs, view } of views) versions.push({ atMs: nowMs + inMs, view });
}
