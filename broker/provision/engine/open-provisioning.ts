import { randomUUID } from 'node:crypto';
import type { ProviderId, ProviderKind } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Seal } from '../credentials/index.ts';
import type { GuestStart } from '../port/index.ts';
import type { Provisioning } from '../provisioning.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Limits } from './decision.ts';
import { createFacade } from './facade.ts';
import type { ImageFile } from './kinds.ts';
import { createLiveLog } from './live-log.ts';
import type { ProviderRecord, ResourceRecord } from './model.ts';
import { OpenDrivers, type DriverDefinitions } from './open-drivers.ts';
import { createPoolLoop } from './pool-loop.ts';
import { createProviderLoop, type SweepSettings } from './provider-loop.ts';
import { workOnResource, type NodeBoard } from './resource-loop.ts';
import type { Claim, Notice, Presence, ProvisionStore, WorkStore } from './store.ts';

export type ProvisioningOptions = {
  readonly store: ProvisionStore;
  readonly work: WorkStore;
  readonly openPresence: (onNotice: (notice: Notice) => void) => Promise<Presence>;
  readonly definitions: DriverDefinitions;
  readonly seal: Seal;
  readonly board: NodeBoard;
  readonly guestOf: (record: ResourceRecord, joinSeconds: number) => Promise<GuestStart>;
  readonly imageFile: ImageFile;
  readonly dataDirOf: (id: ProviderId, kind: ProviderKind) => string;
  readonly limits: Limits;
  readonly sweep: SweepSettings;
  readonly rollCallMsOf: (provider: ProviderRecord) => number;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
  readonly now: () => Date;
  readonly random: () => number;
};

/** Provisioning as the broker runs it. Disposing ends the work under way; what it made stays, and the next broker goes on. */
export type RunningProvisioning = Provisioning &
  AsyncDisposable & {
    /** Something became known of these nodes: joined, lost, drained of sessions. */
    nodesChanged(ids: readonly string[]): Promise<void>;
    /** Sessions came or went. */
    demandChanged(): Promise<void>;
  };

/** Calls at once for a provider that was not opened yet. */
const firstLimit = 4;
const poolLimit = 4;
const pruneDays = 30;
const pruneEveryMs = 6 * 3_600_000;

export async function openProvisioning(options: ProvisioningOptions): Promise<RunningProvisioning> {
  const { store, work, report, log } = options;
  await using starting = new AsyncDisposableStack();
  const owner = await store.owner();
  const now = (): number => options.now().getTime();
  const limits = new Map<string, number>();
  const drivers = starting.use(
    new OpenDrivers({
      ...options,
      owner,
      onChange: (id) => void work.kick('provider', [id]).catch(report),
    }),
  );
  const listening = starting.use(watchListening(now));
  const liveLog = createLiveLog({ store, log, report });
  const providerLoop = createProviderLoop({ ...options, drivers, owner, now });
  const poolLoop = createPoolLoop({ store, now });
  const resourceDeps = { ...options, drivers, owner, now, listeningSince: listening.since };

  const handle = async (claim: Claim, signal: AbortSignal): Promise<number | null> => {
    switch (claim.topic) {
      case 'resource':
        return workOnResource(resourceDeps, claim, signal);
      case 'provider': {
        const again = await providerLoop(claim, signal);
        await noteLimit(claim.id as ProviderId);
        return again;
      }
      case 'pool':
        return poolLoop(claim);
    }
  };
  const noteLimit = async (id: ProviderId): Promise<void> => {
    const provider = await store.provider(id);
    const open = provider?.isEnabled ? await drivers.open(provider).catch(() => undefined) : undefined;
    // One more: the roll call must not wait behind the machines.
    if (open) limits.set(id, open.driver.traits.concurrency + 1);
  };
  starting.use(
    new Dispatcher({
      ...{ work, report, handle, random: options.random },
      openPresence: options.openPresence,
      onNotice: (notice) => liveLog.hear(notice),
      wakesAt: 'work',
      limits: () => ({ of: { ...Object.fromEntries(limits), '': poolLimit }, others: firstLimit }),
    }),
  );
  starting.use(every(pruneEveryMs, async () => store.prune(pruneDays), report));

  const facade = createFacade({ ...options, drivers, now, events: liveLog.events, newId: randomUUID });
  const running = starting.move();
  return {
    ...facade,
    nodesChanged: async (ids) => work.kick('resource', ids),
    async demandChanged() {
      const pools = await store.pools();
      await work.kick(
        'pool',
        pools.map(({ id }) => id),
      );
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

const tickMs = 1_000;
/** A pause this long means that nobody here was listening: the machine slept, or the process was stopped. */
const gapMs = 10_000;

/** Since when this broker has been awake without a gap: heartbeats missed before that are nobody's fault. */
function watchListening(now: () => number): Disposable & { since: () => number } {
  let since = now();
  let last = since;
  const timer = setInterval(() => {
    const at = now();
    if (at - last > gapMs) since = at;
    last = at;
  }, tickMs);
  timer.unref();
  return { since: () => since, [Symbol.dispose]: () => clearInterval(timer) };
}

function every(ms: number, act: () => Promise<void>, report: (error: unknown) => void): Disposable {
  const timer = setInterval(() => void act().catch(report), ms);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
