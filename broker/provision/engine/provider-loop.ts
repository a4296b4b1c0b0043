import { createHash, randomUUID } from 'node:crypto';
import { resourceIdSchema, resourceKindSchema, type ProviderId, type ResourceKind } from '@medusa/protocol';
import { planSweep, type SweepMemory, type SweepRow, type SweepWish } from '../policy/index.ts';
import { capabilitiesOf, ProviderError } from '../port/index.ts';
import { portOf, requirePort } from './kinds.ts';
import { kindOf, newStatus, newWish, type ProviderRecord, type ResourceRecord, type Thing } from './model.ts';
import type { OpenDriver, OpenDrivers } from './open-drivers.ts';
import type { Claim, ProvisionStore, WorkStore } from './store.ts';

export type SweepSettings = {
  /** How long a thing that nobody wants must have been seen before it is deleted. */
  readonly horizonMs: number;
  /** Deletions in one sweep at most. */
  readonly cap: number;
  /** Tells what it would delete, and deletes nothing. */
  readonly isDryRun: boolean;
};

export type ProviderLoopDeps = {
  readonly store: ProvisionStore;
  readonly work: WorkStore;
  readonly drivers: OpenDrivers;
  readonly owner: string;
  readonly sweep: SweepSettings;
  /** Between two roll calls. */
  readonly rollCallMsOf: (provider: ProviderRecord) => number;
  readonly now: () => number;
  readonly report: (error: unknown) => void;
};

const probeMs = 30_000;
/** Between two sweeps of which the first was full: long enough to see what goes, and to say stop. */
const breathMs = 2_000;
const probeTimeoutMs = 20_000;
const destroyTimeoutMs = 60_000;
const kinds: readonly ResourceKind[] = resourceKindSchema.options;

/**
 * One provider: does it answer, is everything of ours still as it was last seen, is there anything that nobody wants.
 * Sweep memories live as long as this broker: another one that takes over counts the horizon anew.
 */
export function createProviderLoop(
  deps: ProviderLoopDeps,
): (claim: Claim, signal: AbortSignal) => Promise<number | null> {
  const memories = new Map<ProviderId, SweepMemory>();
  return async (claim, signal) => {
    const provider = await deps.store.provider(claim.id as ProviderId);
    if (!provider?.isEnabled) return null;
    const { open, health } = await probe(deps, provider, signal);
    await noteHealth(deps, provider, health);
    if (!open) return probeMs;
    try {
      const memory = memories.get(provider.id) ?? new Map();
      const called = await rollCall(deps, { claim, provider, open, memory, signal });
      memories.set(provider.id, called.memory);
      if (called.isMoreToSweep) return Math.min(breathMs, deps.rollCallMsOf(provider));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      await noteHealth(deps, provider, { ...provider.health, state: 'failing', reason: error.message });
    }
    return deps.rollCallMsOf(provider);
  };
}

type Health = ProviderRecord['health'];

async function probe(
  { drivers, now, report }: Pick<ProviderLoopDeps, 'drivers' | 'now' | 'report'>,
  provider: ProviderRecord,
  signal: AbortSignal,
): Promise<{ open: OpenDriver | undefined; health: Health }> {
  const at = now();
  const checkedAt = new Date(at).toISOString();
  try {
    const open = await drivers.open(provider);
    const { health } = provider;
    const isFresh = health.state === 'reachable' && at - Date.parse(health.checkedAt ?? checkedAt) < probeMs;
    if (isFresh) return { open, health };
    const startedAt = performance.now();
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]);
    const { version, quotas } = await open.driver.probe(bounded);
    const latencyMs = Math.round(performance.now() - startedAt);
    const capabilities = capabilitiesOf(open.driver);
    return {
      open,
      health: { state: 'reachable', reason: '', version, latencyMs, checkedAt, quotas, capabilities },
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) report(error);
    const reason = error instanceof ProviderError ? error.message : 'The provider does not answer';
    return { open: undefined, health: { ...provider.health, state: 'failing', reason, checkedAt } };
  }
}

/** Also for a check that an administrator asks for. */
export async function checkHealth(
  deps: Pick<ProviderLoopDeps, 'drivers' | 'now' | 'report' | 'store' | 'work'>,
  provider: ProviderRecord,
  signal: AbortSignal,
): Promise<void> {
  const asked = { ...provider, health: { ...provider.health, checkedAt: null, state: 'unknown' as const } };
  const { health } = await probe(deps, asked, signal);
  await noteHealth(deps, provider, health);
}

async function noteHealth(
  { store, work }: Pick<ProviderLoopDeps, 'store' | 'work'>,
  { id, health: before }: ProviderRecord,
  health: Health,
): Promise<void> {
  if (JSON.stringify(before) === JSON.stringify(health)) return;
  await store.setHealth(id, health);
  if (before.state === health.state && before.reason === health.reason) return;
  const isWell = health.state === 'reachable';
  const text = isWell ? `Answers (${health.version ?? ''})` : health.reason;
  const event = {
    provider: id,
    resource: null,
    kind: 'provider',
    outcome: isWell ? 'ok' : 'failed',
  } as const;
  await store.append([{ ...event, text, durationMs: health.latencyMs }]);
  if (!isWell) return;
  // What failed meanwhile need not wait any longer.
  const waiting = await store.resources({ provider: id });
  await work.kick(
    'resource',
    waiting.filter(({ status }) => status.phase !== 'ready').map((record) => record.id),
  );
}

type RollCall = {
  readonly claim: Claim;
  readonly provider: ProviderRecord;
  readonly open: OpenDriver;
  readonly memory: SweepMemory;
  readonly signal: AbortSignal;
};

async function rollCall(
  deps: ProviderLoopDeps,
  call: RollCall,
): Promise<{ memory: SweepMemory; isMoreToSweep: boolean }> {
  const { store, work } = deps;
  const { provider, open } = call;
  const seen: (Thing & { readonly kind: ResourceKind })[] = [];
  for (const kind of kinds) {
    if (!portOf(open.driver, kind)) continue;
    const things = await open.list(kind);
    seen.push(...things.map((thing) => ({ ...thing, kind })));
  }
  // After the lists: what is written down later is not missed.
  const [present, intents] = await Promise.all([
    store.resources({ provider: provider.id }),
    store.openIntents({ provider: provider.id }),
  ]);
  const known = new Set<string>(present.map(({ id }) => id));
  const ids = [...new Set(seen.map(({ tag }) => tag.resource).filter((id) => !known.has(id)))];
  const rows = [...present, ...(await store.resources({ ids, withAbsent: true }))];
  await work.kick('resource', changed(present, seen));
  const here = rows.filter((row) => row.provider === provider.id);
  const byId = new Map<string, ResourceRecord>(rows.map((row) => [row.id, row]));
  const plan = planSweep({
    owner: deps.owner,
    now: new Date(deps.now()),
    ...deps.sweep,
    seen,
    rows: here.map(toSweepRow),
    intents: intents.flatMap(({ resource, incarnation }) => {
      const row = byId.get(resource);
      return row ? [{ kind: kindOf(row), resource, incarnation }] : [];
    }),
    released: new Set(),
    memory: call.memory,
  });
  for (const wish of plan.hold) await hold(deps, call, { wish, seen, byId });
  await atOnce(plan.destroy, open.driver.traits.concurrency, async (wish) => sweepAway(deps, call, wish));
  const { cap, isDryRun } = deps.sweep;
  return { memory: plan.memory, isMoreToSweep: !isDryRun && cap > 0 && plan.destroy.length >= cap };
}

/** Those whose thing is missing, or not as it was last seen, or there more than once. */
function changed(
  rows: readonly ResourceRecord[],
  seen: readonly (Thing & { readonly kind: ResourceKind })[],
): string[] {
  const byRef = new Map(seen.map((thing) => [`${thing.kind} ${thing.ref}`, thing]));
  const strangers = new Set(
    seen
      .filter(({ state }) => state !== 'terminated' && state !== 'stopping')
      .map(({ tag, kind, ref }) => `${kind} ${tag.resource} ${ref}`),
  );
  for (const row of rows) strangers.delete(`${kindOf(row)} ${row.id} ${row.status.ref ?? ''}`);
  const doubled = new Set([...strangers].map((key) => key.split(' ').slice(0, 2).join(' ')));
  return rows
    .filter((row) => {
      const { ref, seen: before } = row.status;
      const thing = ref === null ? undefined : byRef.get(`${kindOf(row)} ${ref}`);
      const isSame =
        thing === undefined
          ? ref === null
          : thing.state === before?.state &&
            thing.holder === before.holder &&
            thing.addresses.join() === before.addresses.join();
      return !isSame || doubled.has(`${kindOf(row)} ${row.id}`);
    })
    .map(({ id }) => id);
}

function toSweepRow(row: ResourceRecord): SweepRow {
  const { wish, status } = row;
  const { spec } = wish;
  return {
    kind: spec.kind,
    resource: row.id,
    incarnation: status.incarnation,
    ref: status.ref,
    isAbsent: status.phase === 'absent',
    holdsPatientData: spec.kind === 'snapshot' || (spec.kind === 'volume' && spec.holdsPatientData),
  };
}

/** Side by side, so many at once. The first failure ends it when what is under way has ended. */
async function atOnce<One>(
  all: readonly One[],
  limit: number,
  act: (one: One) => Promise<void>,
): Promise<void> {
  const left = [...all];
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one);
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limit, all.length) }, work));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

async function sweepAway(
  deps: ProviderLoopDeps,
  call: RollCall,
  { kind, ref, name }: SweepWish,
): Promise<void> {
  const { store, sweep } = deps;
  const { claim, provider, open, signal } = call;
  const about = { provider: provider.id, resource: null, kind: 'swept' } as const;
  if (sweep.isDryRun) {
    const text = `Would delete ${kind} ${name} (${ref}): nobody wants it`;
    return store.append([{ ...about, outcome: 'ok', text, durationMs: null }]);
  }
  // Only while the claim is ours: another broker may know by now that it is wanted.
  await store.write(claim, {});
  const startedAt = performance.now();
  const operation = {
    id: randomUUID(),
    signal: AbortSignal.any([signal, AbortSignal.timeout(destroyTimeoutMs)]),
  };
  const tell = async (outcome: 'ok' | 'failed', text: string): Promise<void> =>
    store.append([{ ...about, outcome, text, durationMs: Math.round(performance.now() - startedAt) }]);
  try {
    await requirePort(open.driver, kind).destroy(ref, operation);
    await tell('ok', `Deleted ${kind} ${name} (${ref}): nobody wants it`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) deps.report(error);
    const why = error instanceof ProviderError ? error.message : 'the driver failed';
    await tell('failed', `Could not delete ${kind} ${name} (${ref}): ${why}`);
  }
}

/** It may hold patient data, and nobody knows of it: shown, and a person decides. */
async function hold(
  { store, now }: ProviderLoopDeps,
  { provider }: RollCall,
  found: {
    readonly wish: SweepWish;
    readonly seen: readonly (Thing & { readonly kind: ResourceKind })[];
    readonly byId: ReadonlyMap<string, ResourceRecord>;
  },
): Promise<void> {
  const { kind, ref, name } = found.wish;
  const thing = found.seen.find((one) => one.ref === ref && one.kind === kind);
  if (!thing || (kind !== 'volume' && kind !== 'snapshot')) return;
  const short = createHash('sha256').update(`${provider.id} ${kind} ${ref}`).digest('hex').slice(0, 12);
  const id = resourceIdSchema.parse(`held-${short}`);
  const reason = `${name} (${ref}) is unknown here and may hold patient data: a person decides`;
  const known = found.byId.get(thing.tag.resource)?.wish.spec;
  const spec =
    kind === 'volume'
      ? {
          ...{ kind, sizeGiB: known?.kind === kind ? known.sizeGiB : 1, type: null, zone: null },
          ...{ source: { kind: 'blank' as const }, attachedTo: null, holdsPatientData: true },
        }
      : { kind, volume: known?.kind === kind ? known.volume : id };
  const at = now();
  await store.insertHeld(
    {
      ...{ id, provider: provider.id, pool: null, createdAt: at, changedAt: at },
      wish: { ...newWish(spec), isWanted: false },
      status: {
        ...newStatus(at, thing.tag.incarnation),
        ...{ phase: 'held', reason, ref },
      },
    },
    { provider: provider.id, resource: id, kind: 'held', outcome: 'ok', text: reason, durationMs: null },
  );
}
