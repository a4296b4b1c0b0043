import type { OwnerTag } from '../../port/index.ts';

/** Nova, Cinder and Glance take pairs: they are written in the create call itself. */
export function metadataOf({ owner, resource, incarnation }: OwnerTag): Record<string, string> {
  return {
    'medusa-owner': owner,
    'medusa-resource': resource,
    'medusa-incarnation': String(incarnation),
  };
}

export function tagIn(metadata: Readonly<Record<string, unknown>>): OwnerTag | undefined {
  const owner = metadata['medusa-owner'];
  const resource = metadata['medusa-resource'];
  const incarnation = Number(metadata['medusa-incarnation']);
  if (typeof owner !== 'string' || typeof resource !== 'string' || !Number.isInteger(incarnation))
    return undefined;
  return { owner, resource, incarnation };
}

/**
 * Neutron takes tags only after the create call, but a description (255 characters) in it: the name, as floating addresses have none,
 * then the tag, then how many parts belong to it (subnets, rules), so that a half-made thing is known as one.
 */
export function descriptionOf(name: string, tag: OwnerTag, parts = 0): string {
  const pairs = { ...metadataOf(tag), 'medusa-parts': String(parts) };
  return [name, ...Object.entries(pairs).map(([key, value]) => `${key}=${value}`)].join(' ');
}

export type Described = { readonly name: string; readonly tag: OwnerTag; readonly parts: number };

export function describedBy(description: string | null | undefined): Described | undefined {
  const [name = '', ...pairs] = (description ?? '').split(' ');
  const metadata = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
  const tag = tagIn(metadata);
  return tag && { name, tag, parts: Number(metadata['medusa-parts'] ?? 0) };
}
