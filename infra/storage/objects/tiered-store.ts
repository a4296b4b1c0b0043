import { access, rename, rm } from 'node:fs/promises';
import { createExclusive } from '@medusa/kernel';
import { AppError } from '@medusa/protocol';
import type { Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { Extent } from '../dicom/element-reader.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { adoptCopies } from './adopt-copies.ts';
import { DamagedCopy, type Bucket } from './buckets/bucket.ts';
import { openCopies, type Copies, type Copy } from './copies.ts';
import { startEvictor, type Evictor } from './evictor.ts';
import type { FileStore } from './file-store.ts';
import { createLeases, type Leases } from './leases.ts';
import { isMissing, startMover, type Mover } from './mover.ts';
import type { BorrowedFile, IncomingObject, ObjectStore } from './object-store.ts';
import { openRemoteCopies, type RemoteCopies } from './remote-copies.ts';
import { startScrubber } from './scrubber.ts';
import { createTierMeters, type TierMeters } from './tier-meters.ts';

export type TierOptions = {
  /** What the names in the bucket begin with. */
  readonly prefix: string;
  readonly hotBytes: number | undefined;
  readonly hotMs: number | undefined;
  readonly reserveBytes: number;
  /** 0: copies are not looked at. */
  readonly scrubMs: number;
};
type TierDeps = {
  readonly local: FileStore;
  readonly bucket: Bucket;
  readonly index: IndexDatabase;
  readonly log: Logger;
};

/** Objects that come in here, durably, and lie in an object store from then on, and here as long as they are used. */
export interface TieredStore extends ObjectStore, AsyncDisposable {
  registerMeters(registry: Registry): void;
}

type Tier = {
  readonly local: FileStore;
  readonly remote: RemoteCopies;
  readonly copies: Copies;
  readonly leases: Leases;
  readonly mover: Mover;
  readonly evictor: Evictor;
  readonly meters: TierMeters;
  readonly log: Logger;
  /** One fetch at a time of each object. */
  readonly exclusive: ReturnType<typeof createExclusive>;
  readonly reserveBytes: number;
};

export async function openTieredStore(
  options: TierOptions,
  { local, bucket, index, log }: TierDeps,
): Promise<TieredStore> {
  await using opening = new AsyncDisposableStack();
  opening.use(bucket);
  const ending = new AbortController();
  const now = (): number => Date.now();
  const copies = openCopies(index, now);
  const leases = createLeases();
  const meters = createTierMeters();
  const remote = openRemoteCopies(bucket, options.prefix, ending.signal);
  const shared = { local, remote, copies, leases, meters, log };
  await adoptCopies(options.prefix, { ...shared, index });
  const mover = opening.use(startMover({ ...shared, moved: () => evictor.wake() }));
  const { hotBytes, hotMs, reserveBytes } = options;
  const evictor = opening.use(startEvictor({ ...shared, mover, hotBytes, hotMs, reserveBytes }));
  if (options.scrubMs > 0) opening.use(startScrubber({ ...shared, now, everyMs: options.scrubMs }));
  // First of all: what is under way is given up, and the others then end at once.
  opening.defer(() => ending.abort());
  const tier: Tier = { ...shared, mover, evictor, exclusive: createExclusive(), reserveBytes };
  const running = opening.move();

  return {
    create: async (meta, header) => throughSpool(tier, await local.create(meta, header)),
    read: (sha256, extents) => read(tier, sha256, extents),
    borrow: async (sha256, extents) => borrow(tier, sha256, extents),
    temporaryPath: () => local.temporaryPath(),
    async quarantine(sha256) {
      await using held = new AsyncDisposableStack();
      held.use(await borrow(tier, sha256));
      await local.quarantine(sha256);
      if (!copies.find(sha256)) return;
      copies.forget(sha256);
      await remote.remove(sha256).catch(() => log.warn('a copy in the object store could not be taken away'));
    },
    async remove(sha256) {
      copies.forget(sha256);
      await local.remove(sha256);
      // Of what was put there in the meantime the copy is missed, and put again, by who looks after copies.
      await remote.remove(sha256);
    },
    quarantined: async () => local.quarantined(),
    quarantinePathOf: (id) => local.quarantinePathOf(id),
    removeQuarantined: async (id) => local.removeQuarantined(id),
    async *shards() {
      for await (const { prefix, names } of local.shards())
        yield { prefix, names: new Set([...names, ...copies.ofShard(prefix).keys()]) };
    },
    async freeBytes() {
      const free = await local.freeBytes();
      if (free < reserveBytes * 1.5) evictor.wake();
      return free;
    },
    registerMeters: (registry) =>
      meters.register(registry, {
        waiting: () => mover.waiting(),
        copies: () => copies.totals(),
        localBytes: () => copies.localBytes(),
      }),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** An object is acknowledged when it lies here. From there it is moved. */
function throughSpool({ copies, mover, evictor }: Tier, incoming: IncomingObject): IncomingObject {
  let sha256 = '';
  let bytes = 0;
  return {
    path: incoming.path,
    dataOffset: incoming.dataOffset,
    write: (chunk): Promise<void> | undefined => incoming.write(chunk),
    async finish() {
      const finished = await incoming.finish();
      bytes = incoming.dataOffset + finished.bytes;
      return finished;
    },
    digest() {
      sha256 = incoming.digest();
      return sha256;
    },
    async keep() {
      // It lies in the object store, under a header that the index knows.
      if (copies.find(sha256)) return incoming.discard();
      await incoming.keep();
      mover.arrived(sha256, bytes);
      evictor.wake();
    },
    quarantine: async () => incoming.quarantine(),
    discard: async () => incoming.discard(),
  };
}

async function* read(
  tier: Tier,
  sha256: string,
  extents?: readonly Extent[],
): AsyncGenerator<Buffer, void, undefined> {
  tier.copies.used(sha256);
  for (const extent of extents ?? [undefined])
    try {
      yield* tier.local.read(sha256, extent && [extent]);
    } catch (error) {
      // Said before the first byte, as a file that is open stays readable.
      const copy = isMissing(error) ? tier.copies.find(sha256) : undefined;
      if (!copy) throw error;
      yield* readRemote(tier, copy, extent ?? [0, copy.bytes]);
    }
}

async function* readRemote(tier: Tier, copy: Copy, extent: Extent): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* tier.remote.read(copy, extent);
  } catch (error) {
    throw noticed(tier, copy, error);
  }
}

/** What is wrong with a copy is told, and looked at soon. To who reads, the object is there and damaged, and never unknown. */
function noticed({ copies, meters, log }: Tier, { sha256 }: Copy, error: unknown): unknown {
  const isGone = error instanceof AppError && error.code === 'object.unknown';
  if (!isGone && !(error instanceof DamagedCopy)) return error;
  log.error({ object: sha256 }, 'a copy in the object store is damaged or gone');
  meters.damaged('remote');
  copies.checked(sha256, 0);
  return isGone ? new DamagedCopy('The object is gone from the object store') : error;
}

async function borrow(tier: Tier, sha256: string, extents?: readonly Extent[]): Promise<BorrowedFile> {
  const { local, remote, copies, leases, evictor, exclusive } = tier;
  copies.used(sha256);
  let isFetched = false;
  await using taking = new AsyncDisposableStack();
  // Last of all, when nobody holds it any more.
  taking.defer(() => {
    if (isFetched) evictor.wake();
  });
  taking.use(await leases.take(sha256));
  const path = local.pathOf(sha256);
  if (await isThere(path)) return lent(path, taking);
  const copy = copies.find(sha256);
  if (!copy) throw new AppError('object.unknown', 'The object is gone');
  try {
    if (!extents) {
      await exclusive(sha256, async () => fetchBack(tier, copy));
      isFetched = true;
      return lent(path, taking);
    }
    const part = local.temporaryPath();
    taking.defer(async () => rm(part, { force: true }));
    await remote.fetchParts(copy, part, extents);
    return lent(part, taking);
  } catch (error) {
    throw noticed(tier, copy, error);
  }
}

function lent(path: string, taking: AsyncDisposableStack): BorrowedFile {
  const held = taking.move();
  return { path, [Symbol.asyncDispose]: async () => held.disposeAsync() };
}

async function fetchBack(
  { local, remote, copies, evictor, meters, reserveBytes }: Tier,
  copy: Copy,
): Promise<void> {
  const path = local.pathOf(copy.sha256);
  // Somebody else was first.
  if (await isThere(path)) return;
  await evictor.makeRoom(copy.bytes);
  if ((await local.freeBytes()) - copy.bytes < reserveBytes)
    throw new AppError('storage.unreachable', 'There is no room here to fetch the object');
  const temporary = local.temporaryPath();
  await remote.fetch(copy, temporary);
  await rename(temporary, path);
  copies.setLocal(copy.sha256, true);
  meters.fetched();
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
