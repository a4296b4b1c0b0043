import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import { AppError } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Copies, Copy } from './copies.ts';
import { hashOf } from './file-hash.ts';
import type { FileStore } from './file-store.ts';
import type { RemoteCopies } from './remote-copies.ts';
import type { TierMeters } from './tier-meters.ts';

export type MoverDeps = {
  readonly local: Pick<FileStore, 'pathOf' | 'read' | 'shards'>;
  readonly remote: Pick<RemoteCopies, 'put'>;
  readonly copies: Copies;
  readonly meters: TierMeters;
  readonly log: Logger;
  /** Objects were moved: what lies in both places may be given up here. */
  readonly moved: () => void;
};

/** Puts what lies here alone into the object store. What it is to do is found again after a crash, as it is what has no copy there. */
export interface Mover extends AsyncDisposable {
  /** It lies here, durably. */
  arrived(sha256: string, bytes: number): void;
  /** `stuck` among them: what is damaged here, or is not taken there whatever one does. They are tried again every hour. */
  waiting(): { readonly objects: number; readonly bytes: number; readonly stuck: number };
}

const lanes = 4;
const batchObjects = 64;
/** What is beyond this is found on the disk again. */
const mostRemembered = 500_000;
const pauses = { firstMs: 500, mostMs: 30_000 };
const stuckMs = 60 * 60 * 1000;

export function startMover(deps: MoverDeps): Mover {
  const ending = new AbortController();
  const waiting = new Map<string, number>();
  const stuck = new Map<string, number>();
  let waitingBytes = 0;
  /** Some lie on the disk that are not remembered; at first all of them. */
  let isForgetful = true;
  let stuckSinceMs = 0;
  let wake = (): void => undefined;
  const isOpen = (): boolean => !ending.signal.aborted;
  const pause = async (ms: number): Promise<void> =>
    delay(ms, undefined, { signal: ending.signal }).catch(() => undefined);

  const remember = (sha256: string, bytes: number): void => {
    if (waiting.has(sha256)) return;
    if (waiting.size >= mostRemembered) isForgetful = true;
    else {
      waiting.set(sha256, bytes);
      waitingBytes += bytes;
    }
  };
  const settle = (sha256: string): void => {
    waitingBytes -= waiting.get(sha256) ?? 0;
    waiting.delete(sha256);
  };
  const sweep = async (): Promise<void> => {
    isForgetful = false;
    try {
      for await (const shard of deps.local.shards()) {
        if (!isOpen()) return;
        for (const [sha256, bytes] of await agreed(deps, shard)) remember(sha256, bytes);
      }
      // There may be less room than there was before.
      deps.moved();
    } catch (error) {
      isForgetful = true;
      deps.log.error({ err: error }, 'objects that wait cannot be looked for; tried again');
      await pause(pauses.mostMs);
    }
  };
  const retryStuck = (): void => {
    if (stuck.size === 0 || Date.now() - stuckSinceMs < stuckMs) return;
    for (const [sha256, bytes] of stuck) remember(sha256, bytes);
    stuck.clear();
  };
  const rest = async (): Promise<void> => {
    const woken = new AbortController();
    wake = () => woken.abort();
    const signal = AbortSignal.any([ending.signal, woken.signal]);
    await delay(stuckMs, undefined, { signal }).catch(() => undefined);
  };

  /** Undefined: it is not tried again soon. */
  const later = (sha256: string, error: Error): Error | undefined => {
    if (ending.signal.aborted) return error;
    deps.meters.notMoved();
    if (isTransient(error)) {
      // Behind all others, should it be the object after all.
      const bytes = waiting.get(sha256) ?? 0;
      waiting.delete(sha256);
      waiting.set(sha256, bytes);
      return error;
    }
    deps.log.error({ object: sha256, reason: error.message }, 'an object cannot be moved');
    if (stuck.size === 0) stuckSinceMs = Date.now();
    stuck.set(sha256, waiting.get(sha256) ?? 0);
    settle(sha256);
    return undefined;
  };
  const moveBatch = async (most: number): Promise<Error | undefined> => {
    const names = [...waiting.keys()].slice(0, most);
    const results = await inLanes(names, async (sha256) => move(deps, sha256));
    const moved = results.filter((result): result is Copy => result !== undefined && 'etag' in result);
    deps.copies.record(moved);
    deps.meters.moved(moved.length);
    let failure: Error | undefined;
    for (const [at, sha256] of names.entries()) {
      const result = results[at];
      if (result instanceof Error) failure = later(sha256, result) ?? failure;
      else settle(sha256);
    }
    if (moved.length > 0) deps.moved();
    // Others were taken: it is up.
    return moved.length > 0 ? undefined : failure;
  };
  /** It tells when that changes, and not each time. */
  const tell = (failure: Error | undefined, attempt: number): void => {
    const { log, meters } = deps;
    const objects = waiting.size;
    meters.answers(!failure);
    if (failure && attempt === 0)
      log.warn({ reason: failure.message, objects }, 'the object store takes nothing; objects wait here');
    if (!failure && attempt > 0) log.info({ objects }, 'the object store takes objects again');
  };

  /** Also what the index says, when the disk is full, ends nothing. */
  const turn = async (attempt: number): Promise<Error | undefined> => {
    try {
      return await moveBatch(attempt === 0 ? batchObjects : lanes);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  const run = async (): Promise<void> => {
    for (let attempt = 0; isOpen();) {
      retryStuck();
      if (isForgetful && waiting.size < mostRemembered / 2) await sweep();
      else if (waiting.size === 0) await rest();
      else {
        const failure = await turn(attempt);
        if (!isOpen()) return;
        tell(failure, attempt);
        if (failure) await pause(backoffMs(attempt, Math.random(), pauses));
        attempt = failure ? attempt + 1 : 0;
      }
    }
  };
  const running = run().catch((error: unknown) =>
    deps.log.fatal({ err: error }, 'objects are not moved any more'),
  );

  return {
    arrived(sha256, bytes) {
      remember(sha256, bytes);
      wake();
    },
    waiting: () => ({ objects: waiting.size + stuck.size, bytes: waitingBytes, stuck: stuck.size }),
    async [Symbol.asyncDispose]() {
      ending.abort();
      wake();
      await running;
    },
  };
}

/** Makes what is known of a shard agree with its folder; answers what lies there alone. */
async function agreed(
  { local, copies }: MoverDeps,
  { prefix, names }: { readonly prefix: string; readonly names: ReadonlySet<string> },
): Promise<[sha256: string, bytes: number][]> {
  const known = copies.ofShard(prefix);
  const sizeOf = async (sha256: string): Promise<number | undefined> =>
    stat(local.pathOf(sha256)).then(
      ({ size }) => size,
      () => undefined,
    );
  const alone: [string, number][] = [];
  for (const sha256 of names) {
    const isLocal = known.get(sha256);
    if (isLocal === true) continue;
    const size = await sizeOf(sha256);
    if (size === undefined) continue;
    // A crash came between the two steps of an eviction, or of a fetch.
    if (isLocal === false) copies.setLocal(sha256, true);
    else alone.push([sha256, size]);
  }
  for (const [sha256, isLocal] of known)
    if (isLocal && !names.has(sha256) && (await sizeOf(sha256)) === undefined) copies.setLocal(sha256, false);
  return alone;
}

/** Undefined: it is gone, or there already. */
async function move({ local, remote, copies }: MoverDeps, sha256: string): Promise<Copy | Error | undefined> {
  if (copies.find(sha256)) return undefined;
  try {
    return await remote.put(sha256, local.pathOf(sha256), await hashOf(local.read(sha256)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function isTransient(error: Error): boolean {
  return error instanceof AppError && error.code === 'storage.unreachable';
}

async function inLanes<In, Out>(given: readonly In[], act: (one: In) => Promise<Out>): Promise<Out[]> {
  const results = new Array<Out>(given.length);
  const left = given.entries();
  const lane = async (): Promise<void> => {
    for (const [at, one] of left) results[at] = await act(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
