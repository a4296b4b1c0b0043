import { poolIdSchema, type WarmSource } from '@medusa/protocol';
import { sql } from 'kysely';
import type { Known, Opening, OutcomeCount, PreWarmStore, Span, WarmSlot } from '../capacity/index.ts';
import type { Db } from './database.ts';

/** Whoever decides looks at what was decided first: one broker at a time. */
const preWarmLock = 0x6d_70_77_6d;
const mostStudies = 20_000;
/** Times of a step that its percentile is taken of. */
const samples = 20;

/** A pool's nodes are `<pool>-<number>`. */
const poolOfNode = sql<string>`regexp_replace(node_id, '-[0-9]+$', '')`;
const isStreamed = sql<boolean>`document->>'mode' = 'streamed'`;

export function createPreWarmStore(db: Db): PreWarmStore {
  return {
    revise: async (decide) =>
      db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ is_free: boolean }>`
          select pg_try_advisory_xact_lock(${sql.lit(preWarmLock)}) as is_free`.execute(trx);
        if (rows[0]?.is_free !== true) return undefined;
        const revision = decide(await knownBy(trx));
        for (const { subject, outcome, atMs, sessionId } of revision.settled)
          await trx
            .updateTable('pre_warm')
            .set({ outcome, settled_at: new Date(atMs), session_id: sessionId })
            .where('subject', '=', subject)
            .where('outcome', 'is', null)
            .execute();
        if (revision.taken.length > 0)
          await trx
            .insertInto('pre_warm')
            .values(revision.taken.map(toRow))
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        return revision;
      }),

    async studies(since) {
      // An archive that is moved here brings years of studies in a day: what is older than a week when it comes waits for nobody.
      const { rows } = await sql<{
        uid: string;
        arrived_ms: number;
        opened_ms: number | null;
        mode: string | null;
      }>`
        select s.study_instance_uid as uid, extract(epoch from s.arrived)::float8 * 1000 as arrived_ms,
          extract(epoch from first.created_at)::float8 * 1000 as opened_ms, first.mode
        from (
          select study_instance_uid, study_date, last_received_at,
            (summary->>'firstReceivedAt')::timestamptz as arrived
          from study where last_received_at >= ${since}) s
        left join (
          select distinct on (study_instance_uid) study_instance_uid, created_at, document->>'mode' as mode
          from session where created_at >= ${since}
          order by study_instance_uid, created_at) first using (study_instance_uid)
        where s.arrived >= ${since}
          and (s.study_date = '' or s.study_date >= to_char(s.arrived - interval '7 days', 'YYYYMMDD'))
        order by s.last_received_at desc limit ${mostStudies}`.execute(db);
      return rows.map(({ uid, arrived_ms: arrivedMs, opened_ms: openedMs, mode }) => ({
        ...{ studyInstanceUID: uid, arrivedMs, openedMs, isStreamed: mode === 'streamed' },
      }));
    },

    async held() {
      // In the words of the index of those that live.
      const { rows } = await sql<{ key: string; count: number }>`
        select owner_id as key, count(*)::int as count from session
        where state not in ('closed', 'failed') and ${isStreamed}
        group by owner_id`.execute(db);
      return toMap(rows);
    },

    async openingsByPool(since) {
      const { rows } = await sql<{ key: string; count: number }>`
        select ${poolOfNode} as key, count(*)::int as count from session
        where created_at >= ${since} and node_id is not null and ${isStreamed} group by 1`.execute(db);
      return toMap(rows);
    },

    async leadSeconds() {
      const { rows } = await sql<{ key: string; count: number }>`
        select p.id as key, coalesce(sum(s.seconds), 0)::float8 as count
        from provider p cross join unnest(array['machine.create', 'machine.boot', 'machine.join']) as of(step)
        cross join lateral (
          select percentile_cont(0.95) within group (order by e.duration_ms) / 1000 as seconds from (
            select duration_ms from provision_event
            where provider = p.id and step = of.step and outcome = 'ok' and duration_ms is not null
            order by sequence desc limit ${samples}) e) s
        group by p.id`.execute(db);
      return toMap(rows);
    },

    async prune(before) {
      await db.deleteFrom('pre_warm').where('settled_at', '<', before).execute();
    },

    outcomes: async (span) => outcomesIn(db, span),

    async openings({ from, to, bucketMs }) {
      const { rows } = await sql<{ bucket: number; count: number }>`
        select ${bucketOf('created_at', from, bucketMs)} as bucket, count(*)::int as count from session
        where created_at >= ${from} and created_at < ${to} and ${isStreamed} group by 1`.execute(db);
      return rows;
    },

    async open() {
      const rows = await db
        .selectFrom('pre_warm')
        .leftJoin('reservation', (on) =>
          on
            .on('pre_warm.source', '=', 'calendar')
            .on(sql<boolean>`reservation.id = split_part(pre_warm.subject, '/', 1)`),
        )
        .select(['pool', 'source', 'title', 'studies', 'decided_at', 'until', 'chance', 'is_extra'])
        .where('outcome', 'is', null)
        .where('until', '>', sql<Date>`now()`)
        .orderBy('decided_at')
        .orderBy('subject')
        .execute();
      return rows.map((row) => ({
        ...{ pool: poolIdSchema.parse(row.pool), source: row.source, title: row.title },
        ...{ studies: row.studies.length, chance: row.chance, isExtra: row.is_extra },
        ...{ decidedAt: row.decided_at.toISOString(), untilAt: row.until.toISOString() },
      }));
    },
  };
}

async function knownBy(db: Db): Promise<Known> {
  const rows = await db.selectFrom('pre_warm').selectAll().where('outcome', 'is', null).execute();
  const open = rows.map((row) => ({
    ...{ subject: row.subject, pool: poolIdSchema.parse(row.pool), source: row.source, chance: row.chance },
    ...{ studies: row.studies, people: row.people, isExtra: row.is_extra },
    ...{ decidedMs: row.decided_at.getTime(), untilMs: row.until.getTime() },
  }));
  const decided = await db
    .selectFrom('pre_warm')
    .select('subject')
    .where('source', '=', 'calendar')
    .where('until', '>', sql<Date>`now()`)
    .execute();
  const subjects = new Set(decided.map(({ subject }) => subject));
  return { open, subjects, openings: open.length === 0 ? [] : await openingsFor(db, open) };
}

async function openingsFor(db: Db, open: readonly WarmSlot[]): Promise<Opening[]> {
  const since = new Date(Math.min(...open.map(({ decidedMs }) => decidedMs)));
  // Whether it had to wait is written down before its node is told to start it.
  const { rows } = await sql<Opening>`
    select id as "sessionId", ${poolOfNode} as pool, owner_id as "ownerId",
      study_instance_uid as "studyInstanceUID", extract(epoch from created_at)::float8 * 1000 as "atMs",
      document @> '{"steps": [{"step": "queue"}]}' as "hasQueued"
    from session where created_at >= ${since} and node_id is not null and state <> 'provisioning' and ${isStreamed}
      and not exists (select 1 from pre_warm where session_id = session.id)`.execute(db);
  return rows;
}

async function outcomesIn(db: Db, { from, to, bucketMs }: Span): Promise<readonly OutcomeCount[]> {
  const { rows } = await sql<OutcomeCount>`
    select ${bucketOf('settled_at', from, bucketMs)} as bucket, source, outcome, count(*)::int as count,
      coalesce(sum(extract(epoch from settled_at - decided_at)) filter (where is_extra), 0)::float8 / 60
        as "extraMinutes"
    from pre_warm where settled_at >= ${from} and settled_at < ${to} group by 1, 2, 3`.execute(db);
  return rows;
}

function bucketOf(column: string, from: Date, bucketMs: number) {
  return sql<number>`floor(extract(epoch from ${sql.ref(column)} - ${from}::timestamptz) * 1000 / ${bucketMs}::float8)::int`;
}

function toRow({ subject, pool, source, studies, people, chance, isExtra, decidedMs, untilMs }: WarmSlot) {
  return {
    ...{
      subject,
      pool,
      source: source satisfies WarmSource,
      studies: [...studies],
      people: [...people],
      chance,
    },
    ...{ is_extra: isExtra, decided_at: new Date(decidedMs), until: new Date(untilMs) },
  };
}

function toMap(rows: readonly { key: string; count: number }[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ key, count }) => [key, count]));
}
