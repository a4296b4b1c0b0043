import type { ResourceKind } from '@medusa/protocol';
import type { ProviderDriver } from '../port/index.ts';
import { requirePort, toThing } from './kinds.ts';
import type { Thing } from './model.ts';

type Listing = { readonly running: Promise<readonly Thing[]>; next: Promise<readonly Thing[]> | undefined };

/**
 * Lists for many who ask at once. An answer's listing always began after the question: what was done before the question is in it.
 * So a thousand machines that come up cost a few lists, not a thousand.
 */
export function createListings(
  driver: ProviderDriver,
  { owner, timeoutMs, signal }: { owner: string; timeoutMs: number; signal: AbortSignal },
): (kind: ResourceKind) => Promise<readonly Thing[]> {
  const listings = new Map<ResourceKind, Listing>();

  const ask = async (kind: ResourceKind): Promise<readonly Thing[]> => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const items = await requirePort(driver, kind).list(owner, bounded);
    // Pages that shift while they are read show a thing twice.
    return [...new Map(items.map((item) => [item.ref, toThing(item)])).values()];
  };

  const begin = async (kind: ResourceKind): Promise<readonly Thing[]> => {
    const listing: Listing = { running: ask(kind), next: undefined };
    listings.set(kind, listing);
    const end = (): void => {
      if (listings.get(kind) === listing && listing.next === undefined) listings.delete(kind);
    };
    listing.running.then(end, end);
    return listing.running;
  };

  return async (kind) => {
    const listing = listings.get(kind);
    if (!listing) return begin(kind);
    return (listing.next ??= listing.running.then(
      async () => begin(kind),
      async () => begin(kind),
    ));
  };
}
