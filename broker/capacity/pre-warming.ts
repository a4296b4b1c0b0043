import type { PoolView, PreWarmReport, Reservation, WarmSource } from '@medusa/protocol';
import { bufferOf, poolTarget } from '../provision/policy/index.ts';
import { learnOpenings, unreadMs, type OpeningRates, type StudyPast } from './opening-rates.ts';
import {
  beliefMs,
  isBy,
  revise,
  type Known,
  type Revision,
  type WarmOutcome,
  type WarmPool,
} from './pre-warm.ts';
import type { Reserving } from './reservations.ts';

/** What was decided, and what decisions rest on. */
export interface PreWarmStore {
  /**
   * Shows what is known and writes down the answer, all of it or nothing. One broker at a time; undefined: another one is at it, and
   * nothing was asked.
   */
  revise(decide: (known: Known) => Revision): Promise<Revision | undefined>;
  /** New studies since then, at most 20,000 of them, the latest: not what is put into an archive years later. */
  studies(since: Date): Promise<readonly StudyPast[]>;
  /** How many streamed sessions everybody has who has any. */
  held(): Promise<ReadonlyMap<string, number>>;
  /** How many streamed sessions came to each pool since then. */
  openingsByPool(since: Date): Promise<ReadonlyMap<string, number>>;
  /** From order to ready, by provider: 95th percentile of each step's last times, together. */
  leadSeconds(): Promise<ReadonlyMap<string, number>>;
  /** Forgets what was settled before. */
  prune(before: Date): Promise<void>;

  /** Settled decisions and openings, by the number of the bucket since `from`. */
  outcomes(span: Span): Promise<readonly OutcomeCount[]>;
  openings(span: Span): Promise<readonly { readonly bucket: number; readonly count: number }[]>;
  open(): Promise<PreWarmReport['open']>;
}

export type Span = { readonly from: Date; readonly to: Date; readonly bucketMs: number };
export type OutcomeCount = {
  readonly bucket: number;
  readonly source: WarmSource;
  readonly outcome: WarmOutcome;
  readonly count: number;
  /** Of those slots that would not have been there without. */
  readonly extraMinutes: number;
};

export type PreWarming = {
  /** Settles what came true or did not, and decides anew. Whether a slot more is to be kept. */
  tick(): Promise<boolean>;
  report(days: 1 | 7 | 30): Promise<PreWarmReport>;
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const learntDays = 28;
const keptDays = 31;
const bucketMs = { 1: hourMs, 7: 6 * hourMs, 30: dayMs } as const;

/** Slots that are made ready before somebody asks for them, by the worklist and by the calendar, and how well that does. */
export function createPreWarming(deps: {
  readonly store: PreWarmStore;
  readonly reserving: Pick<Reserving, 'list'>;
  readonly pools: () => Promise<readonly PoolView[]>;
  readonly now: () => Date;
}): PreWarming {
  const { store, reserving, now } = deps;
  let learnt: Learnt | undefined;
  const learn = async (): Promise<Learnt> => {
    const nowMs = now().getTime();
    if (learnt && nowMs - learnt.atMs < hourMs) return learnt;
    await store.prune(new Date(nowMs - keptDays * dayMs));
    const since = new Date(nowMs - learntDays * dayMs);
    const [past, openings] = await Promise.all([store.studies(since), store.openingsByPool(since)]);
    learnt = { atMs: nowMs, past, openings, rates: new Map() };
    return learnt;
  };
  const wantedPools = async (): Promise<readonly PoolView[]> =>
    (await deps.pools()).filter(
      ({ machine, policy }) => machine.role === 'render' && policy.preWarm.by !== 'off',
    );

  return {
    async tick() {
      const nowMs = now().getTime();
      const [wanted, known, leads] = await Promise.all([wantedPools(), learn(), store.leadSeconds()]);
      const unread = wanted.some(({ policy }) => isBy(policy.preWarm, 'worklist'))
        ? (await store.studies(new Date(nowMs - unreadMs))).filter(({ openedMs }) => openedMs === null)
        : [];
      const [reservations, held] = await Promise.all([reserving.list(), store.held()]);
      // Where most sessions go is where the next ones are expected.
      const rank = ({ id }: PoolView): number => known.openings.get(id) ?? 0;
      const pools = [...wanted]
        .sort((a, b) => rank(b) - rank(a))
        .map((pool) => {
          const leadMs = leadOf(pool, leads) * 1_000;
          const rates = ratesFor(known, pool.policy.timeZone);
          const likely = unread.map(({ studyInstanceUID, arrivedMs }) => ({
            ...{ studyInstanceUID, chance: rates.chanceOf(arrivedMs, nowMs, beliefMs(leadMs)) },
          }));
          return { ...roomOf(pool, now()), leadMs, likely };
        });
      const entries = reservations.map((one) => ({ ...entryOf(one), held: held.get(one.ownerId) ?? 0 }));
      const revision = await store.revise((before) => revise(before, pools, { entries, nowMs }));
      return revision !== undefined && revision.taken.length > 0;
    },

    async report(days) {
      const to = now();
      const from = new Date(to.getTime() - days * dayMs);
      const span = { from, to, bucketMs: bucketMs[days] };
      const [outcomes, openings, open, wanted, leads, { past }] = await Promise.all([
        store.outcomes(span),
        store.openings(span),
        store.open(),
        wantedPools(),
        store.leadSeconds(),
        learn(),
      ]);
      const opened = past.filter(({ openedMs, isStreamed }) => openedMs !== null && isStreamed).length;
      return {
        ...{ from: from.toISOString(), to: to.toISOString() },
        ...summarise(outcomes, openings, span),
        open: [...open],
        pools: wanted.map((pool) => ({ id: pool.id, leadSeconds: leadOf(pool, leads) })),
        learnt: { studies: past.length, opened },
      };
    },
  };
}

/** What is read from the past once an hour. */
type Learnt = {
  readonly atMs: number;
  readonly past: readonly StudyPast[];
  readonly openings: ReadonlyMap<string, number>;
  /** By time zone. */
  readonly rates: Map<string, OpeningRates>;
};

function ratesFor({ atMs, past, rates }: Learnt, timeZone: string): OpeningRates {
  const known = rates.get(timeZone) ?? learnOpenings(past, { timeZone, nowMs: atMs });
  rates.set(timeZone, known);
  return known;
}

function leadOf({ providers }: PoolView, leads: ReadonlyMap<string, number>): number {
  return leads.get(providers[0] ?? '') ?? 0;
}

const nothingAwaited = { requests: [], meanHoldSeconds: 0, leadSeconds: 0 };

/** How many slots a pool could keep warm, and how many of them are there without. */
function roomOf(
  { id, policy, machine, slots, counts }: Pick<PoolView, 'id' | 'policy' | 'machine' | 'slots' | 'counts'>,
  now: Date,
): Omit<WarmPool, 'leadMs' | 'likely'> {
  const offered = counts.ready > 0 ? Math.round(slots.total / counts.ready) : 1;
  const slotsPerNode = machine.slots ?? Math.max(1, offered);
  const usage = { slotsPerNode, usedSlots: slots.used };
  const { target } = poolTarget(policy, usage, { arrivals: nothingAwaited, now });
  const taken = slots.used + bufferOf(policy, slots.used);
  return {
    ...{ id, preWarm: policy.preWarm },
    room: policy.max * slotsPerNode - taken,
    spare: target * slotsPerNode - taken,
  };
}

function entryOf({ id, ownerId, studyInstanceUID, slots, startsAt, endsAt }: Reservation) {
  return {
    ...{ id, ownerId, studyInstanceUID, slots, fromMs: Date.parse(startsAt), toMs: Date.parse(endsAt) },
  };
}

type Summary = Omit<PreWarmReport, 'from' | 'to' | 'open' | 'pools' | 'learnt'>;

function summarise(
  outcomes: readonly OutcomeCount[],
  openings: readonly { readonly bucket: number; readonly count: number }[],
  { from, to, bucketMs: lengthMs }: Span,
): Summary {
  const buckets = Array.from(
    { length: Math.round((to.getTime() - from.getTime()) / lengthMs) },
    (_, bucket) => {
      const { hits, late, misses } = figuresOf(outcomes.filter((one) => one.bucket === bucket));
      const opened = countOf(openings.filter((one) => one.bucket === bucket));
      const start = new Date(from.getTime() + bucket * lengthMs).toISOString();
      return { from: start, hits, late, misses, unforeseen: Math.max(0, opened - hits - late) };
    },
  );
  const { hits, late, misses, missSlotMinutes } = figuresOf(outcomes);
  const settled = hits + late + misses;
  const opened = countOf(openings);
  return {
    ...{ settled, hits, late, misses, missSlotMinutes, buckets },
    hitRate: settled === 0 ? null : hits / settled,
    openings: opened,
    coverage: opened === 0 ? null : hits / opened,
    bySource: (['worklist', 'calendar'] as const).map((source) => ({
      ...{ source, ...figuresOf(outcomes.filter((one) => one.source === source)) },
    })),
  };
}

function figuresOf(outcomes: readonly OutcomeCount[]): {
  hits: number;
  late: number;
  misses: number;
  missSlotMinutes: number;
} {
  const of = (outcome: WarmOutcome): readonly OutcomeCount[] =>
    outcomes.filter((one) => one.outcome === outcome);
  return {
    ...{ hits: countOf(of('hit')), late: countOf(of('late')), misses: countOf(of('miss')) },
    missSlotMinutes: of('miss').reduce((sum, { extraMinutes }) => sum + extraMinutes, 0),
  };
}

function countOf(rows: readonly { readonly count: number }[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}
