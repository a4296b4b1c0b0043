import { z } from 'zod';
import type { OwnerTag } from './resource.ts';

/** A tag and the name as text pairs, for providers that keep such on a thing (config, labels, metadata). */
export function labelsOf(tag: OwnerTag, name: string, prefix = 'medusa-'): Record<string, string> {
  return {
    [`${prefix}owner`]: tag.owner,
    [`${prefix}resource`]: tag.resource,
    [`${prefix}incarnation`]: String(tag.incarnation),
    [`${prefix}name`]: name,
  };
}

const incarnationSchema = z.coerce.number().int().positive();

/** The other way round; `undefined` when the thing is not ours. */
export function readLabels(
  labels: Readonly<Record<string, string | undefined>>,
  prefix = 'medusa-',
): { readonly tag: OwnerTag; readonly name: string } | undefined {
  const owner = labels[`${prefix}owner`];
  const resource = labels[`${prefix}resource`];
  const incarnation = incarnationSchema.safeParse(labels[`${prefix}incarnation`]);
  if (owner === undefined || resource === undefined || !incarnation.success) return undefined;
  return {
    tag: { owner, resource, incarnation: incarnation.data },
    name: labels[`${prefix}name`] ?? resource,
  };
}

/** Whether two things are of the same incarnation of the same resource of the same owner. */
export function isSameTag(one: OwnerTag, other: OwnerTag): boolean {
  return (
    one.owner === other.owner && one.resource === other.resource && one.incarnation === other.incarnation
  );
}
