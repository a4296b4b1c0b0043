import { inBatches } from '@medusa/kernel';
import { sql, type RawBuilder } from 'kysely';
import type { Claim, Claimed, Topic, WorkStore } from '../provision/index.ts';
import type { Db } from './database.ts';

/** First key of the brokers' advisory locks, so that they meet no other's: "mdsa". */
export const presenceClass = 0x6d_64_73_61;

/** Between two looks at what changes all the time: they take all nodes of a pool, or everything at a provider. */
const pauseMs: Partial<Record<Topic, number>> = { pool: 200, provider: 500 };

/** Free: nobody has claimed it, its lease is over, or the broker that claimed it is not there any more. */
export const isFree = sql<boolean>`(w.claim_token is null or w.claim_until < clock_timestamp() or not exists (
  select 1 from pg_locks l where l.locktype = 'advisory' and l.classid = ${sql.lit(presenceClass)}::oid
    and l.objid = w.claimed_by::oid and l.objsubid = 2 and l.granted
    and l.database = (select oid from pg_database where datname = current_database())))`;

export function createWorkStore(db: Db): WorkStore {
  const release = inBatches(async (releases: readonly Release[]) => {
    await releaseAll(db, releases);
    return releases.map(() => undefined);
  });
  const kicking = (topic: Topic) =>
    inBatches(async (batch: readonly (readonly string[])[]) => {
      await kickWork(db, { topic, ids: [...new Set(batch.flat())] });
      return batch.map(() => undefined);
    });
  const kicks = { resource: kicking('resource'), provider: kicking('provider'), pool: kicking('pool') };
  return {
    async claim(room, { instance, leaseMs }) {
      // By one clock: what becomes due between the two parts would be in neither.
      const { rows } = await sql<ClaimRow<Topic>>`
        with due as (
          select distinct w.lane from provision_work w where w.next_at <= statement_timestamp() and ${isFree}),
        mine as (
          select one.topic, one.id from due cross join lateral (
            select w.topic, w.id from provision_work w
            where w.lane = due.lane and w.next_at <= statement_timestamp() and ${isFree}
            order by w.next_at
            limit coalesce((${JSON.stringify(room.of)}::jsonb->>due.lane)::int, ${room.others}::int)
            for update skip locked) one),
        claimed as (
          update provision_work work set claimed_by = ${instance}, claim_token = nextval('provision_claim'),
            claim_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
          from mine where work.topic = mine.topic and work.id = mine.id
          returning work.topic, work.id, work.lane, work.claim_token::text as token, work.kicks::text as kicks),
        next as (
          select (extract(epoch from min(next_at) - statement_timestamp()) * 1000)::float8 as ms
          from provision_work where next_at > statement_timestamp())
        select claimed.*, next.ms from next left join claimed on true`.execute(db);
      return claimedFrom(rows);
    },

    release: async (claim, againInMs) => release({ claim, againInMs }),

    async kick(topic, ids) {
      if (ids.length > 0) await kicks[topic](ids);
    },
  };
}

type ClaimRow<T extends string> = {
  readonly topic: T;
  /** Null: nothing was claimed. */
  readonly id: string | null;
  readonly lane: string;
  readonly token: string;
  readonly kicks: string;
  readonly ms: number | null;
};

/** Every row tells when the next work is due, and all but a lonely one what was claimed. */
export function claimedFrom<T extends string>(
  rows: readonly ClaimRow<T>[],
): { claims: Claimed<T>[]; nextInMs: number | null } {
  const claims = rows.flatMap(({ id, topic, lane, token, kicks }) =>
    id === null ? [] : [{ id, topic, lane, token, kicks: Number(kicks) }],
  );
  return { claims, nextInMs: rows[0]?.ms ?? null };
}

type Release = { readonly claim: Claim; readonly againInMs: number | null };

/** Their rows in the order in which kicks lock them. */
async function releaseAll(db: Db, releases: readonly Release[]): Promise<void> {
  const rows = releases.map(({ claim, againInMs }) => ({ ...claim, again: againInMs }));
  await sql`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as g(topic text, id text, token bigint, kicks bigint, again float8)),
    mine as (
      select w.topic, w.id from provision_work w join given g on w.topic = g.topic and w.id = g.id
      where w.claim_token = g.token order by w.topic, w.id for update of w)
    update provision_work w set claimed_by = null, claim_token = null, claim_until = null,
      next_at = clock_timestamp() + interval '1 ms' * case when w.kicks = g.kicks then g.again
        else coalesce((${JSON.stringify(pauseMs)}::jsonb->>w.topic)::float8, 0) end
    from given g join mine using (topic, id)
    where w.topic = g.topic and w.id = g.id and w.claim_token = g.token`.execute(db);
}

type Target = { readonly topic: Topic; readonly ids: readonly string[] };

/** In the caller's transaction: what changed and that somebody looks at it are one. One statement. */
export async function kickWork(db: Db, { topic, ids }: Target): Promise<void> {
  await sql`with target as (
      select topic, id from provision_work where topic = ${topic} and id = any(${[...ids]}::text[]) order by id for update),
    ${kickTargets}`.execute(db);
}

/**
 * What follows a `target (topic, id)` of rows that are locked, in one order everywhere: two kicks of the same rows must not wait for
 * each other.
 */
export const kickTargets = sql`kicked as (
    update provision_work work set next_at = least(coalesce(work.next_at, clock_timestamp()), clock_timestamp()),
      kicks = work.kicks + 1
    from target where work.topic = target.topic and work.id = target.id returning 1)
  select ${notifying({ kind: 'work' })} from (select 1 from kicked limit 1) one`;

/** Work that is new or to be looked at anew; all of one topic and lane. */
export async function addWork(
  db: Db,
  { topic, ids, lane }: Target & { readonly lane: string },
): Promise<void> {
  await sql`
    with added as (
      insert into provision_work (topic, id, lane, next_at)
      select ${topic}, id, ${lane}, clock_timestamp() from unnest(${[...ids].sort()}::text[]) id
      on conflict (topic, id) do update set lane = excluded.lane, next_at = clock_timestamp(),
        kicks = provision_work.kicks + 1
      returning 1)
    select ${notifying({ kind: 'work' })} from (select 1 from added limit 1) one`.execute(db);
}

/** Told when the transaction is committed; the same words within one are told once. */
export async function notify(db: Db, notice: { readonly kind: string }): Promise<void> {
  await sql`select ${notifying(notice)}`.execute(db);
}

/** As an expression: told for each row of what it is selected from. */
export function notifying(notice: { readonly kind: string }): RawBuilder<unknown> {
  return sql`pg_notify('medusa_provision', ${JSON.stringify(notice)})`;
}
