import type { EntityView } from '@medusa/protocol';

type Counters = { readonly objects: number; readonly bytes: number };
type Point = EntityView['rates'][number];

/** What came by the minute, made of counters that only grow while a storage node runs. */
export interface Rates {
  count(key: string, counters: Counters, at: Date): void;
  /** Of all keys together, the oldest first, a point for each minute. */
  of(keys: readonly string[], now: Date): Point[];
}

const minuteMs = 60_000;
const shownMinutes = 120;

export function createRates(): Rates {
  const known = new Map<string, { last: Counters; minutes: Map<number, Counters> }>();
  return {
    count(key, counters, at) {
      const entry = known.get(key);
      if (!entry) {
        // What came before this broker listened came at no known time.
        known.set(key, { last: counters, minutes: new Map() });
        return;
      }
      const { last, minutes } = entry;
      // A node that was started anew counts from nothing.
      const isAnew = counters.objects < last.objects || counters.bytes < last.bytes;
      const base = isAnew ? { objects: 0, bytes: 0 } : last;
      entry.last = counters;
      const minute = Math.floor(at.getTime() / minuteMs);
      const before = minutes.get(minute) ?? { objects: 0, bytes: 0 };
      minutes.set(minute, {
        objects: before.objects + counters.objects - base.objects,
        bytes: before.bytes + counters.bytes - base.bytes,
      });
      for (const old of minutes.keys()) if (old <= minute - shownMinutes) minutes.delete(old);
    },
    of(keys, now) {
      const until = Math.floor(now.getTime() / minuteMs);
      return Array.from({ length: shownMinutes }, (_, index) => {
        const minute = until - shownMinutes + 1 + index;
        const found = keys.map((key) => known.get(key)?.minutes.get(minute));
        return {
          at: new Date(minute * minuteMs).toISOString(),
          objects: found.reduce((sum, one) => sum + (one?.objects ?? 0), 0),
          bytes: found.reduce((sum, one) => sum + (one?.bytes ?? 0), 0),
        };
      });
    },
  };
}
