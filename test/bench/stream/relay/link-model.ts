import type { Random } from '../random.ts';

/** One direction of a link. */
export type Direction = {
  readonly kbps: number;
  readonly delayMs: number;
  /** What waits for its turn; a packet that finds no room is dropped (drop tail, as in most routers). */
  readonly queueBytes: number;
  readonly loss: Loss;
};

/** Packets lost on the way, behind the queue. `share` of all, in 0…1. */
type Loss =
  | { readonly kind: 'none' }
  | { readonly kind: 'random'; readonly share: number }
  /** In bursts of `burstPackets` on average, all of a burst (Gilbert-Elliott with nothing lost in the good state). */
  | { readonly kind: 'bursts'; readonly share: number; readonly burstPackets: number };

export type Fate =
  | { readonly kind: 'arrives'; readonly atMs: number }
  | { readonly kind: 'no-room' }
  | { readonly kind: 'lost' };

/** What happens to a packet that comes at `nowMs`, which never goes back. */
export type Line = (bytes: number, nowMs: number) => Fate;

/** Pure but for what it remembers: no clock, no timer. */
export function createLine({ kbps, delayMs, queueBytes, loss }: Direction, random: Random): Line {
  const isLost = createLoss(loss, random);
  const msOf = (bytes: number): number => (bytes * 8) / kbps;
  let freeAtMs = -Infinity;
  return (bytes, nowMs) => {
    const startMs = Math.max(nowMs, freeAtMs);
    // What is on its way out counts as waiting: the difference is one packet.
    if (startMs - nowMs > msOf(queueBytes - bytes)) return { kind: 'no-room' };
    freeAtMs = startMs + msOf(bytes);
    return isLost() ? { kind: 'lost' } : { kind: 'arrives', atMs: freeAtMs + delayMs };
  };
}

function createLoss(loss: Loss, random: Random): () => boolean {
  if (loss.kind === 'none') return () => false;
  if (loss.kind === 'random') return () => random() < loss.share;
  const leaving = 1 / loss.burstPackets;
  // So that the bad state holds for its share of all packets in the long run.
  const entering = (leaving * loss.share) / (1 - loss.share);
  let isBad = false;
  return () => {
    isBad = random() < (isBad ? 1 - leaving : entering);
    return isBad;
  };
}
