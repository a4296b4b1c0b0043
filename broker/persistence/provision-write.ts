import { inBatches } from '@medusa/kernel';
import { sql } from 'kysely';
import { ClaimLost, type Claim, type Write } from '../provision/index.ts';
import type { Db } from './database.ts';
import { writingEvents } from './provision-log.ts';
import { statusColumns } from './provision-rows.ts';
import { kickTargets, notifying } from './provision-work.ts';

/** Phases between which a machine goes without its pool having to know of it. */
const onTheirWay = ['planned', 'creating', 'joining'];

/** More than a call may take: who holds a claim for longer has hung. */
const defaultLeaseMs = 180_000;

/**
 * One statement, so all of it or nothing: its parts hang on the claim, whose row it locks before any other, so that the claim cannot be
 * taken over in between.
 */
export function writeUnderClaim(db: Db): (claim: Claim, write: Write) => Promise<void> {
  const tell = inBatches(async (news: readonly News[]) => {
    await tellOthers(db, news);
    return news;
  });
  return async (claim, write) => {
    const news = await writeOne(db, claim, write);
    if (news) await tell(news);
  };
}

/** What others have to know of. */
type News = { readonly id: string; readonly isForPool: boolean };

async function writeOne(db: Db, claim: Claim, write: Write): Promise<News | undefined> {
  const { status, lane, opened, settled, events, leaseMs } = partsOf(write);
  const { rows } = await sql<{ isNews: boolean | null; isForPool: boolean | null }>`
    with held as (
      update provision_work set claim_until = clock_timestamp() + ${leaseMs} * interval '1 ms',
        lane = coalesce(${lane}::text, lane)
      where topic = ${claim.topic} and id = ${claim.id} and claim_token = ${claim.token} returning id),
    before as (
      select r.phase, r.ref, r.status->>'incarnation' as incarnation from resource r
      where r.id = ${claim.id} and ${status.length > 0}::boolean),
    settled as (
      update provision_intent i set state = s.state, fault = s.fault, detail = s.detail, ended_at = clock_timestamp()
      from held, jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as s(id text, state text, fault text, detail text)
      where i.id = s.id),
    opened as (
      insert into provision_intent (id, resource, provider, incarnation, action, name, state, started_at)
      select i.id, i.resource, i.provider, i.incarnation, i.action, i.name, i.state, i."startedAt"
      from held, jsonb_to_recordset(${JSON.stringify(opened)}::jsonb) as i(id text, resource text,
        provider text, incarnation int, action text, name text, state text, "startedAt" timestamptz)
      on conflict (id) do update set state = excluded.state, ended_at = null),
    ${writingEvents(events, sql`held`)},
    changed as (
      update resource r set status = new.status, phase = new.phase, ref = new.ref,
        provider = coalesce(${lane}::text, r.provider), changed_at = clock_timestamp()
      from held, jsonb_to_recordset(${JSON.stringify(status)}::jsonb)
        as new(status jsonb, phase text, ref text)
      where r.id = held.id
      returning r.phase, r.ref, r.status->>'incarnation' as incarnation)
    select (select (c.phase, c.ref, c.incarnation) is distinct from (b.phase, b.ref, b.incarnation)
            from changed c, before b) as "isNews",
      (select c.incarnation is distinct from b.incarnation
              or not (array[c.phase, b.phase] <@ ${onTheirWay}::text[]) from changed c, before b) as "isForPool",
      ${events.length + status.length > 0 ? notifying({ kind: 'changed' }) : sql`null`}
    from held`.execute(db);
  const [written] = rows;
  if (!written) throw new ClaimLost(claim);
  return written.isNews === true ? { id: claim.id, isForPool: written.isForPool === true } : undefined;
}

type Parts = {
  /** None or one. */
  readonly status: readonly object[];
  readonly opened: readonly object[];
  readonly settled: NonNullable<Write['settle']>;
  readonly events: NonNullable<Write['events']>;
  readonly lane: string | null;
  readonly leaseMs: number;
};

function partsOf({ status, provider, intent, settle = [], events = [], leaseMs }: Write): Parts {
  return {
    status: status ? [{ ...statusColumns(status), status }] : [],
    opened: intent ? [{ ...intent, startedAt: new Date(intent.startedAt).toISOString() }] : [],
    // One that is made again is open again, whatever was found out about it before.
    settled: settle.filter(({ id }) => id !== intent?.id),
    events,
    lane: provider ?? null,
    leaseMs: leaseMs ?? defaultLeaseMs,
  };
}

/**
 * Kicks those that wait for it, those it waited for, and its pool. After its own statement: two that kick each other while they hold
 * their own claims would wait for each other. Lost in a crash, it is made up for by their next look.
 */
async function tellOthers(db: Db, news: readonly News[]): Promise<void> {
  await sql`
    with news as (select * from jsonb_to_recordset(${JSON.stringify(news)}::jsonb) as n(id text, "isForPool" boolean)),
    other as (
      select 'resource' as topic, r.id from news join resource r on r.mentions @> array[news.id] and r.phase <> 'absent'
      union select 'resource', unnest(r.mentions) from news join resource r on r.id = news.id
      union select 'pool', r.pool from news join resource r on r.id = news.id and r.pool is not null
        where news."isForPool"),
    target as (
      select w.topic, w.id from provision_work w where (w.topic, w.id) in (select o.topic, o.id from other o)
      order by w.topic, w.id for update),
    ${kickTargets}`.execute(db);
}
