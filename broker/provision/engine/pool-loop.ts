import { isDeepStrictEqual } from 'node:util';
import { resourceIdSchema, type PoolId, type PoolPolicy, type ProviderId } from '@medusa/protocol';
import { brake, planRolling, poolTarget, type PoolNode, type PoolTarget } from '../policy/index.ts';
import {
  fingerprintOf,
  newWish,
  type NodeFact,
  type PoolRecord,
  type PoolStatus,
  type ProviderRecord,
  type ResourceRecord,
} from './model.ts';
import type { Claim, ProvisionStore } from './store.ts';

export type PoolLoopDeps = { readonly store: ProvisionStore; readonly now: () => number };

/** Schedules and forecasts come by the clock; all else is told. */
const lookMs = 15_000;
const forecastDays = 8;

/** One pool: how many nodes there shall be, and which come and go. */
export function createPoolLoop(deps: PoolLoopDeps): (claim: Claim) => Promise<number | null> {
  return async (claim) => {
    const pool = await deps.store.pool(claim.id as PoolId);
    if (!pool) return null;
    const rows = await deps.store.resources({ pool: pool.id });
    if (!pool.isWanted) return empty(deps, pool, rows);
    const facts = await deps.store.nodes(rows.map(({ id }) => id));
    const wanted = await findTarget(deps, { pool, rows, facts });
    const health = brakeOf(pool, rows);
    const status = holdSurplus(pool, wanted, deps.now());
    await deps.store.setPoolStatus(pool.id, (latest) => ({
      ...latest,
      ...status,
      isBraked: health,
      excluded: latest.excluded.filter(({ until }) => until > deps.now()),
    }));
    await follow(deps, { pool, rows, facts }, status.target);
    const leftMs = status.surplusSince === null ? lookMs : surplusLeftMs(pool, status, deps.now());
    return Math.min(lookMs, Math.max(250, leftMs));
  };
}

type PoolFacts = {
  readonly pool: PoolRecord;
  readonly rows: readonly ResourceRecord[];
  readonly facts: ReadonlyMap<string, NodeFact>;
};

async function empty(
  { store }: PoolLoopDeps,
  { id }: PoolRecord,
  rows: readonly ResourceRecord[],
): Promise<number | null> {
  for (const row of rows)
    if (row.wish.isWanted) await store.changeWish(row.id, ({ wish }) => ({ ...wish, isWanted: false }));
  if (rows.length > 0) return lookMs;
  await store.removePool(id);
  return null;
}

async function findTarget(
  { store, now }: PoolLoopDeps,
  { pool, rows, facts }: PoolFacts,
): Promise<PoolTarget> {
  const { policy, machine } = pool.wanted;
  const live = rows.reduce((sum, { id }) => sum + (facts.get(id)?.liveSessions ?? 0), 0);
  const known = [...facts.values()].flatMap(({ slots }) => slots ?? []);
  const slotsPerNode = machine.slots ?? Math.max(1, ...known);
  const waiting = machine.role === 'render' ? await store.waitingSessions() : 0;
  const past = policy.forecast ? await store.arrivals(forecastDays) : { requests: [], meanHoldSeconds: 0 };
  const leadSeconds = await leadOf(store, pool);
  const warmSlots = await warmSlotsOf(store, pool.id, policy);
  return poolTarget(
    policy,
    { slotsPerNode, usedSlots: live + waiting, warmSlots },
    { arrivals: { ...past, leadSeconds }, now: new Date(now()) },
  );
}

/** A pool that cannot grow is not asked about. */
export async function warmSlotsOf(
  store: Pick<ProvisionStore, 'warmSlots'>,
  id: PoolId,
  { preWarm, min, max }: PoolPolicy,
): Promise<number> {
  if (preWarm.by === 'off' || min === max) return 0;
  const sources = preWarm.by === 'both' ? (['worklist', 'calendar'] as const) : [preWarm.by];
  return Math.min(preWarm.slots, await store.warmSlots(id, sources));
}

/** From order to ready, as it usually takes at the first provider. */
async function leadOf(store: ProvisionStore, { wanted }: PoolRecord): Promise<number> {
  if (wanted.policy.forecast === null && wanted.policy.schedule.length === 0) return 0;
  const typical = await store.typicalSeconds();
  const [provider] = wanted.providers;
  const steps = ['machine.create', 'machine.boot', 'machine.join'];
  return steps.reduce((sum, step) => sum + (typical.get(`${provider ?? ''} ${step}`) ?? 0), 0);
}

/** What is lost is replaced at all times; what is merely unwell only while most of the pool is well. */
function brakeOf({ wanted }: PoolRecord, rows: readonly ResourceRecord[]): boolean {
  const counted = rows.filter(({ wish }) => wish.isWanted);
  const unwell = counted.filter(
    ({ status }) =>
      status.phase === 'degraded' ||
      status.phase === 'error' ||
      (status.crashes > 0 && status.phase !== 'ready'),
  );
  return brake(counted.length, unwell.length, wanted.maxUnhealthyPercent).isBraked;
}

/** Fewer nodes only when fewer have been enough for a while. */
function holdSurplus(
  { wanted, status }: PoolRecord,
  { target, reason }: PoolTarget,
  now: number,
): Pick<PoolStatus, 'target' | 'targetReason' | 'surplusSince'> {
  if (target >= status.target) return { target, targetReason: reason, surplusSince: null };
  const since = status.surplusSince ?? now;
  const isOver = now - since >= wanted.policy.scaleDownAfterSeconds * 1000;
  if (isOver) return { target, targetReason: reason, surplusSince: null };
  return {
    target: status.target,
    targetReason: `${target} would do: ${reason}; fewer after ${wanted.policy.scaleDownAfterSeconds} s`,
    surplusSince: since,
  };
}

function surplusLeftMs(
  { wanted }: PoolRecord,
  { surplusSince }: Pick<PoolStatus, 'surplusSince'>,
  now: number,
): number {
  return (surplusSince ?? now) + wanted.policy.scaleDownAfterSeconds * 1000 - now;
}

async function follow(deps: PoolLoopDeps, { pool, rows, facts }: PoolFacts, target: number): Promise<void> {
  const { store } = deps;
  await adjust(deps, pool, rows);
  const moves = planRolling(
    rows.map((row) => toPoolNode(row, { pool, fact: facts.get(row.id) })),
    target,
  );
  const tell = (text: string) =>
    ({
      provider: null,
      resource: null,
      kind: 'pool',
      outcome: 'ok',
      text: `${pool.id}: ${text}`,
      durationMs: null,
    }) as const;
  for (const id of moves.undrain)
    await store.changeWish(resourceIdSchema.parse(id), ({ wish }) => ({ ...wish, isWanted: true }), {
      ...tell(`${id} stays`),
    });
  for (const id of moves.drain)
    await store.changeWish(resourceIdSchema.parse(id), ({ wish }) => ({ ...wish, isWanted: false }), {
      ...tell(`${id} is to go`),
    });
  const provider = chooseProvider(pool, await store.providers(), deps.now());
  const names = freeNames(pool.id, rows, moves.add);
  const wish = newWish(pool.wanted.machine);
  await store.insert(
    names.map((id) => ({ id, provider, pool: pool.id, wish })),
    (id) => tell(`${id} is to come`),
  );
}

/** What changes nothing at the provider, or is not made yet, is simply changed. */
async function adjust(
  { store }: PoolLoopDeps,
  pool: PoolRecord,
  rows: readonly ResourceRecord[],
): Promise<void> {
  const { machine } = pool.wanted;
  for (const row of rows) {
    if (!row.wish.isWanted || isDeepStrictEqual(row.wish.spec, machine)) continue;
    if (row.status.made !== null && row.status.made.fingerprint !== fingerprintOf(machine)) continue;
    await store.changeWish(row.id, ({ wish }) => ({ ...wish, spec: machine }));
  }
}

function toPoolNode(
  { id, wish, status, createdAt }: ResourceRecord,
  { pool, fact }: { pool: PoolRecord; fact: NodeFact | undefined },
): PoolNode {
  const made = status.made?.fingerprint ?? fingerprintOf(wish.spec);
  const isOutdated = made !== fingerprintOf(pool.wanted.machine);
  // Drained by a person: it counts as going, and is not taken back.
  const isPut = wish.isDraining;
  const isBeyondReturn = !wish.isWanted && status.phase !== 'draining';
  return {
    id,
    isOutdated: isOutdated || isPut || isBeyondReturn,
    isReady: status.phase === 'ready' && wish.isWanted,
    isDraining: !wish.isWanted || isPut,
    liveSessions: fact?.liveSessions ?? 0,
    createdAt: new Date(createdAt),
  };
}

/** The first that is in use, answers and has not just refused; the first of all when there is none. */
function chooseProvider(
  { wanted, status }: PoolRecord,
  known: readonly ProviderRecord[],
  now: number,
): ProviderId {
  const isUsable = (id: ProviderId): boolean =>
    known.some((one) => one.id === id && one.isEnabled && one.health.state !== 'failing') &&
    !status.excluded.some(({ provider, until }) => provider === id && until > now);
  const chosen = wanted.providers.find(isUsable) ?? wanted.providers[0];
  if (chosen === undefined) throw new Error('A pool has at least one provider');
  return chosen;
}

/** The lowest free numbers. */
function freeNames(pool: PoolId, rows: readonly ResourceRecord[], count: number): ResourceRecord['id'][] {
  const taken = new Set<string>(rows.map(({ id }) => id));
  const names: ResourceRecord['id'][] = [];
  for (let n = 1; names.length < count; n += 1) {
    const id = `${pool}-${n}`;
    if (!taken.has(id)) names.push(resourceIdSchema.parse(id));
  }
  return names;
}
