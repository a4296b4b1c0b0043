import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import { AppError } from '@medusa/protocol';
import type { Logger } from 'pino';
import { DamagedCopy } from './buckets/bucket.ts';
import { isWhole, type Copies, type Copy } from './copies.ts';
import { hashOf, type FileHashes } from './file-hash.ts';
import type { FileStore } from './file-store.ts';
import type { Leases } from './leases.ts';
import { isMissing } from './mover.ts';
import type { RemoteCopies } from './remote-copies.ts';
import type { TierMeters } from './tier-meters.ts';

type ScrubberDeps = {
  readonly local: Pick<FileStore, 'pathOf' | 'read' | 'temporaryPath'>;
  readonly remote: RemoteCopies;
  readonly copies: Copies;
  readonly leases: Pick<Leases, 'take'>;
  readonly meters: TierMeters;
  readonly log: Logger;
  readonly now: () => number;
  /** Each object is looked at once in this time. */
  readonly everyMs: number;
};

/** It takes no more than so much of a machine's time: pauses are as long as the work, times this. */
const restShare = 3;
const mostRestMs = 60_000;
const pauses = { firstMs: 1_000, mostMs: 10 * 60_000 };

/** Reads both copies of each object again and again, and makes a damaged one anew of the other. */
export function startScrubber(deps: ScrubberDeps): AsyncDisposable {
  const ending = new AbortController();
  const rest = async (ms: number): Promise<void> =>
    delay(ms, undefined, { signal: ending.signal }).catch(() => undefined);
  const isOpen = (): boolean => !ending.signal.aborted;
  const run = async (): Promise<void> => {
    for (let attempt = 0; isOpen();) {
      const begun = performance.now();
      try {
        const next = deps.copies.uncheckedSince(deps.now() - deps.everyMs);
        if (next) {
          await scrub(deps, next);
          deps.copies.checked(next.sha256, deps.now());
        }
        attempt = 0;
        await rest(Math.min(mostRestMs, next ? (performance.now() - begun) * restShare : deps.everyMs));
      } catch (error) {
        if (!isOpen()) return;
        const reason = error instanceof Error ? error.message : String(error);
        if (attempt === 0) deps.log.warn({ reason }, 'copies cannot be looked at; tried again later');
        await rest(backoffMs(attempt++, Math.random(), pauses));
      }
    }
  };
  const running = run().catch((error: unknown) =>
    deps.log.fatal({ err: error }, 'copies are not looked at any more'),
  );
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

type State = 'good' | 'damaged' | 'missing';

/** @throws AppError `storage.unreachable` */
async function scrub(deps: ScrubberDeps, copy: Copy & { readonly isLocal: number }): Promise<void> {
  const { local, remote, leases, meters, log } = deps;
  const object = copy.sha256;
  // What may have to heal the other copy stays meanwhile.
  using held = new DisposableStack();
  held.use(await leases.take(object));
  const here = await stateOf(copy, async () => hashOf(local.read(object)));
  const there = await stateOf(copy, async () => remote.hash(copy));
  // What was given up here on purpose, meanwhile too, misses nothing.
  if (here === 'damaged') meters.damaged('local');
  if (there !== 'good') meters.damaged('remote');
  if (here !== 'damaged' && there === 'good') return;
  if (here !== 'good' && there !== 'good') {
    log.error({ object, here, there }, 'no good copy of an object is left');
    return;
  }
  if (here === 'damaged') await healLocal(deps, copy);
  else await healRemote(deps, copy);
  log.warn({ object, here, there }, 'a damaged copy was made again of the other one');
}

async function healLocal({ local, remote, meters }: ScrubberDeps, copy: Copy): Promise<void> {
  const path = local.temporaryPath();
  await remote.fetch(copy, path);
  await rename(path, local.pathOf(copy.sha256));
  meters.healed('local');
}

async function healRemote({ local, remote, copies, meters }: ScrubberDeps, copy: Copy): Promise<void> {
  const hashes = await hashOf(local.read(copy.sha256));
  copies.record([await remote.put(copy.sha256, local.pathOf(copy.sha256), hashes)]);
  meters.healed('remote');
}

async function stateOf(copy: Copy, hash: () => Promise<FileHashes>): Promise<State> {
  try {
    return isWhole(copy, await hash()) ? 'good' : 'damaged';
  } catch (error) {
    if (isMissing(error) || (error instanceof AppError && error.code === 'object.unknown')) return 'missing';
    if (error instanceof DamagedCopy) return 'damaged';
    throw error;
  }
}
