import { behind, type Cursor } from './feed.ts';

/** How far each peer has what lies here: it asks for what comes after only when all before is durable there. */
export interface Confirmations {
  confirm(peer: string, cursor: Cursor): void;
  /** Rows that a peer may not have yet; undefined: it was not heard lately. */
  behind(peer: string, last: Cursor): number | undefined;
  /** Resolves when each peer that is heard has all up to there, or none is heard any more, or the signal says so. */
  reached(last: Cursor, limit: AbortSignal): Promise<void>;
}

/** Twice as long as a peer waits for an answer, and some. */
const silenceMs = 12_000;
const lookMs = 500;

export function createConfirmations(peers: readonly string[]): Confirmations {
  const heard = new Map<string, { readonly cursor: Cursor; readonly atMs: number }>();
  const waiting = new Set<() => void>();
  const behindOf: Confirmations['behind'] = (peer, last) => {
    const confirmed = heard.get(peer);
    if (!confirmed || Date.now() - confirmed.atMs > silenceMs) return undefined;
    return behind(confirmed.cursor, last);
  };
  const woken = async (): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, lookMs);
      waiting.add(wake);
    });
  return {
    confirm(peer, cursor) {
      if (!peers.includes(peer)) return;
      heard.set(peer, { cursor, atMs: Date.now() });
      for (const wake of waiting) wake();
    },
    behind: behindOf,
    async reached(last, limit) {
      while (!limit.aborted && peers.some((peer) => (behindOf(peer, last) ?? 0) > 0)) await woken();
    },
  };
}
