import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Copies, Copy } from './copies.ts';
import type { FileStore } from './file-store.ts';
import type { Leases } from './leases.ts';
import type { Mover } from './mover.ts';
import type { RemoteCopies } from './remote-copies.ts';
import type { TierMeters } from './tier-meters.ts';

type EvictorDeps = {
  readonly local: Pick<FileStore, 'pathOf' | 'freeBytes'>;
  readonly remote: Pick<RemoteCopies, 'head'>;
  readonly copies: Copies;
  readonly leases: Leases;
  readonly mover: Pick<Mover, 'arrived' | 'waiting'>;
  readonly meters: TierMeters;
  readonly log: Logger;
  /** How much of objects may lie here; undefined: as much as the disk holds. */
  readonly hotBytes: number | undefined;
  /** Of the disk, never filled. Half as much again is kept free by giving up what lies elsewhere too. */
  readonly reserveBytes: number;
  /** What nobody read for so long is given up here although there is room; undefined: nothing is. */
  readonly hotMs: number | undefined;
};

/** Gives up copies here, those first that nobody read for the longest time, and none that is not seen in the object store. */
export interface Evictor extends AsyncDisposable {
  /** There may be something to do. */
  wake(): void;
  /** Resolves when so many bytes more may be written here, or nothing is left that could be given up. */
  makeRoom(bytes: number): Promise<void>;
}

const atOnce = 16;
const ageLookMs = 60 * 60 * 1000;

export function startEvictor(deps: EvictorDeps): Evictor {
  let turn: Promise<unknown> = Promise.resolve();
  let isWaiting = false;
  let isEnding = false;

  const surplus = async (more: number): Promise<number> => {
    const { local, copies, mover, hotBytes = Infinity, reserveBytes } = deps;
    const beyond = copies.localBytes() + mover.waiting().bytes + more - hotBytes;
    return Math.max(beyond, reserveBytes * 1.5 + more - (await local.freeBytes()));
  };
  const evict = async (more: number): Promise<void> => {
    for (let left = await surplus(more); left > 0 && !isEnding;) {
      const victims = deps.copies
        .leastUsed(atOnce + deps.leases.size())
        .filter(({ sha256 }) => !deps.leases.isHeld(sha256));
      const chosen: Copy[] = [];
      for (const victim of victims.slice(0, atOnce)) {
        if (left <= 0) break;
        chosen.push(victim);
        left -= victim.bytes;
      }
      const freed = await Promise.all(chosen.map(async (victim) => giveUp(deps, victim)));
      if (!freed.some((isGone) => isGone)) return;
      left = await surplus(more);
    }
  };
  const evictOld = async (): Promise<void> => {
    const { hotMs, copies, leases } = deps;
    while (hotMs !== undefined && !isEnding) {
      const old = copies
        .unusedSince(Date.now() - hotMs, atOnce + leases.size())
        .filter(({ sha256 }) => !leases.isHeld(sha256))
        .slice(0, atOnce);
      const freed = await Promise.all(old.map(async (victim) => giveUp(deps, victim)));
      if (!freed.some((isGone) => isGone)) return;
    }
  };
  const queued = async (more: number): Promise<void> => {
    const next = turn.then(async () => {
      isWaiting = false;
      await evict(more);
      await evictOld();
    });
    turn = next.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      if (!isEnding) deps.log.warn({ reason }, 'nothing can be given up here');
    });
    await turn;
  };

  const wake = (): void => {
    if (isWaiting || isEnding) return;
    isWaiting = true;
    void queued(0);
  };
  const looking = setInterval(wake, ageLookMs);
  return {
    wake,
    makeRoom: queued,
    async [Symbol.asyncDispose]() {
      isEnding = true;
      clearInterval(looking);
      await turn;
    },
  };
}

/** Whether it is gone here. */
async function giveUp(deps: EvictorDeps, { sha256, bytes, etag }: Copy): Promise<boolean> {
  const { local, remote, copies, leases, mover, meters, log } = deps;
  // Asked in the last moment: what was put there may have been taken away since.
  const there = await remote.head(sha256);
  if (there?.bytes !== bytes || there.etag !== etag) {
    log.error({ object: sha256 }, 'a copy in the object store is gone or another one; it is put again');
    meters.damaged('remote');
    copies.forget(sha256);
    mover.arrived(sha256, bytes);
    return false;
  }
  return leases.unlessHeld(sha256, async () => {
    // In this order, as on a full disk nothing can be written down: who misses a file here looks there.
    await rm(local.pathOf(sha256), { force: true });
    copies.setLocal(sha256, false);
    meters.evicted();
  });
}
