import type { ProvisionEvent } from '@medusa/protocol';
import type { EventQuery } from '../../../core/provision-api.ts';

/** New lines on top of those known, as far as the query asks for them. An older page stays as it is. */
export function mergeEvents(
  known: readonly ProvisionEvent[],
  news: readonly ProvisionEvent[],
  { provider, resource, before, limit }: EventQuery,
): readonly ProvisionEvent[] {
  if (before !== undefined) return known;
  const newest = known[0]?.sequence ?? 0;
  const added = news.filter(
    (event) =>
      event.sequence > newest &&
      (provider === undefined || event.provider === provider) &&
      (resource === undefined || event.resource === resource),
  );
  if (added.length === 0) return known;
  return [...added.sort((a, b) => b.sequence - a.sequence), ...known].slice(0, limit);
}
