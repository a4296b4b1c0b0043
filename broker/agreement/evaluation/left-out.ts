import type { WindowEvents } from '@medusa/protocol';
import { concerns, qualifies, type Guarantee } from './guarantee.ts';
import type { IndicatorEvent } from './indicators.ts';
import { isWithin, overlap, type Span } from './windows.ts';

type Reason = WindowEvents['leftOut'][number]['reason'];

/** How many events of its indicators and scope a window has that do not count, by the reason; each id once. */
export function leftOutOf(
  guarantee: Guarantee,
  window: Span,
  { events, active }: { readonly events: readonly IndicatorEvent[]; readonly active: readonly Span[] },
): WindowEvents['leftOut'] {
  const stretches = active.flatMap((span) => overlap(span, window) ?? []);
  const reasons = new Map<string, Reason | null>();
  for (const event of events) {
    if (!isWithin(event.atMs, window) || !concerns(guarantee, event)) continue;
    const truth = qualifies(guarantee, event);
    const isActive = stretches.some((stretch) => isWithin(event.atMs, stretch));
    const reason = truth === true ? null : truth === false ? 'unqualified' : 'untold';
    reasons.set(event.id, isActive ? reason : 'inactive');
  }
  const told = [...reasons.values()].filter((reason) => reason !== null);
  return [...Map.groupBy(told, (reason) => reason)].map(([reason, all]) => ({ reason, events: all.length }));
}
