import type { PathEstimate } from './candidate.ts';
import { estimateLink, joinPaths, observeLink, type LinkMeasure, type LinkRecord } from './links.ts';

/** A path from one place to another: a zone, a storage node's site, a user, or the broker itself. */
type LinkName = { readonly from: string; readonly to: string; readonly measure: LinkMeasure };
export type LinkRow = LinkName & { readonly record: LinkRecord };

/** Where the measured links are kept, for every broker. */
export interface LinkStore {
  load(): Promise<readonly LinkRow[]>;
  /** Of two brokers that measured the same path, the one that did so last is right. */
  save(rows: readonly LinkRow[]): Promise<void>;
}

/** The places that are no zone; a zone is called by its own name. */
export const brokerPlace = 'broker';

export function sitePlace(storageNodeId: string): string {
  return `site:${storageNodeId}`;
}

export function userPlace(userId: string): string {
  return `user:${userId}`;
}

/** What passes by is measured here, and asked for when a session is placed. */
export type LinkBook = {
  /** Paths are the same both ways, as far as anybody here can see. */
  observe(name: LinkName, value: number): void;
  /** What is known of the path itself, or else of the ways of both places to the broker. */
  path(from: string, to: string): PathEstimate;
  /** Writes what is new here, reads what is new elsewhere. */
  exchange(): Promise<void>;
};

/** More paths than this are not remembered: users come and go. */
const mostKept = 20_000;

export function createLinkBook({ store, now }: { store: LinkStore; now: () => Date }): LinkBook {
  const known = new Map<string, LinkRow>();
  const changed = new Set<string>();

  const direct = (from: string, to: string): PathEstimate => {
    const nowMs = now().getTime();
    const read = (measure: LinkMeasure): LinkRecord | undefined =>
      known.get(keyOf({ from, to, measure }))?.record ??
      known.get(keyOf({ from: to, to: from, measure }))?.record;
    return {
      kbps: estimateLink('kbps', read('kbps'), nowMs),
      rttMs: estimateLink('rttMs', read('rttMs'), nowMs),
    };
  };

  return {
    observe(name, value) {
      const key = keyOf(name);
      const record = observeLink(name.measure, known.get(key)?.record, { value, atMs: now().getTime() });
      if (!record || (known.size >= mostKept && !known.has(key))) return;
      known.set(key, { ...name, record });
      changed.add(key);
    },

    path(from, to) {
      const itself = direct(from, to);
      const around = joinPaths(direct(from, brokerPlace), direct(brokerPlace, to));
      return { kbps: itself.kbps ?? around.kbps, rttMs: itself.rttMs ?? around.rttMs };
    },

    async exchange() {
      const mine = [...changed].flatMap((key) => known.get(key) ?? []);
      changed.clear();
      await store.save(mine);
      const stored = await store.load();
      const fresh = new Map(stored.map((row) => [keyOf(row), row]));
      for (const key of known.keys()) if (!fresh.has(key) && !changed.has(key)) known.delete(key);
      for (const [key, row] of fresh) {
        const here = known.get(key);
        if (!here || here.record.measuredAtMs < row.record.measuredAtMs) known.set(key, row);
      }
    },
  };
}

function keyOf({ from, to, measure }: LinkName): string {
  return JSON.stringify([from, to, measure]);
}
