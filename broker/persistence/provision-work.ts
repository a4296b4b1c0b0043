import { sql, type RawBuilder } from 'kysely';
import type { Claim, Topic, WorkStore } from '../provision/index.ts';
import type { Db } from './database.ts';

/** First key of the brokers' advisory locks, so that they meet no other's: "mdsa". */
export const presenceClass = 0x6d_64_73_61;

/** Between two looks at a pool of which something changes all the time: it has as many rows as nodes. */
const poolPauseMs = 200;

/** Free: nobody has claimed it, its lease is over, or the broker that claimed it is not there any more. */
export const isFree = sql<boolean>`(w.claim_token is null or w.claim_until < clock_timestamp() or not exists (
  select 1 from pg_locks l where l.locktype = 'advisory' and l.classid = ${sql.lit(presenceClass)}::oid
    and l.objid = w.claimed_by::oid and l.objsubid = 2 and l.granted
    and l.database = (select oid from pg_database where datname = current_database())))`;

export function createWorkStore(db: Db): WorkStore {
  return {
    async due() {
      // By one clock: what becomes due between two looks would be in neither.
      const { rows } = await sql<{ lanes: string[] | null; ms: number | null }>`
        select (select array_agg(distinct w.lane) from provision_work w
                where w.next_at <= statement_timestamp() and ${isFree}) as lanes,
          (select extract(epoch from min(next_at) - statement_timestamp()) * 1000
           from provision_work where next_at > statement_timestamp())::float8 as ms`.execute(db);
      return { lanes: rows[0]?.lanes ?? [], nextInMs: rows[0]?.ms ?? null };
    },

    async claim(lane, { limit, instance, leaseMs }) {
      const { rows } = await sql<{ topic: Topic; id: string; token: string; kicks: string }>`
        with mine as (
          select w.topic, w.id from provision_work w
          where w.lane = ${lane} and w.next_at <= clock_timestamp() and ${isFree}
          order by w.next_at limit ${limit} for update skip locked)
        update provision_work work set claimed_by = ${instance}, claim_token = nextval('provision_claim'),
          claim_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
        from mine where work.topic = mine.topic and work.id = mine.id
        returning work.topic, work.id, work.claim_token::text as token, work.kicks::text as kicks`.execute(
        db,
      );
      return rows.map(({ kicks, ...row }): Claim => ({ ...row, kicks: Number(kicks) }));
    },

    async release({ topic, id, token, kicks }, againInMs) {
      const pauseMs = topic === 'pool' ? poolPauseMs : 0;
      await sql`
        update provision_work set claimed_by = null, claim_token = null, claim_until = null,
          next_at = case when kicks <> ${kicks} then clock_timestamp() + ${pauseMs} * interval '1 ms'
            else clock_timestamp() + ${againInMs}::float8 * interval '1 ms' end
        where topic = ${topic} and id = ${id} and claim_token = ${token}`.execute(db);
    },

    async kick(topic, ids) {
      if (ids.length > 0) await kickWork(db, { topic, ids });
    },
  };
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
