import { z } from 'zod';
import type { OwnerTag } from '../../port/index.ts';

export const ownerLabel = 'medusa-owner';
const resourceLabel = 'medusa-resource';
const incarnationLabel = 'medusa-incarnation';

export type Labels = Readonly<Record<string, string>>;

export function labelsOf({ owner, resource, incarnation }: OwnerTag): Record<string, string> {
  return { [ownerLabel]: owner, [resourceLabel]: resource, [incarnationLabel]: String(incarnation) };
}

/** undefined: it is none of ours. */
export function tagOf(labels: Labels): OwnerTag | undefined {
  const { [ownerLabel]: owner, [resourceLabel]: resource, [incarnationLabel]: incarnation } = labels;
  if (owner === undefined || resource === undefined || !/^\d+$/.test(incarnation ?? '')) return undefined;
  return { owner, resource, incarnation: Number(incarnation) };
}

export function isSameTag(one: OwnerTag | undefined, other: OwnerTag): boolean {
  return (
    one?.owner === other.owner && one.resource === other.resource && one.incarnation === other.incarnation
  );
}

export const selectorOf = (owner: string): string => `${ownerLabel}=${owner}`;

/** What all objects of the API have in common. */
export const metadataSchema = z.object({
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  creationTimestamp: z.coerce.date().nullish(),
  deletionTimestamp: z.coerce.date().nullish(),
});
