import { inBatches } from '@medusa/kernel';
import type { NodeId, SessionId } from '@medusa/protocol';
import { sql } from 'kysely';
import type { Offer, SlotStore } from '../capacity/index.ts';
import { slotStates } from '../session/index.ts';
import type { Db } from './database.ts';

const uniqueViolation = '23505';

/**
 * The statement is not waited for until it is on disk. The log is written in order: when the session's own change, which is waited
 * for, is there, its claim is too; and a release that is lost with the machine's power is made up for by `reclaim`.
 */
const isUnhurried = sql<boolean>`(select set_config('synchronous_commit', 'off', true)) = 'off'`;

/** Who holds the slot of the reading part. No session has such an id: a slash is not among its letters. */
const readerOf = (sessionId: SessionId): string => `${sessionId}/reader`;

export function createSlotStore(db: Db): SlotStore {
  const claim: SlotStore['claim'] = async (sessionId, offers, part) => {
    const holder = part === 'reader' ? readerOf(sessionId) : sessionId;
    const ids = offers.map(({ nodeId }) => nodeId);
    const slots = offers.map((offer) => offer.slots);
    try {
      // Offers are looked at in their order, one after the other, until one has a slot that nobody else is taking.
      const { rows } = await sql<{ node_id: NodeId }>`
        update slot set session_id = ${holder}, claimed_at = clock_timestamp()
        where ${isUnhurried} and (node_id, ordinal) = (
          select free.node_id, free.ordinal
          from unnest(${ids}::text[], ${slots}::int[]) as offer (node_id, slots)
          cross join lateral (
            select s.node_id, s.ordinal from slot s
            where s.node_id = offer.node_id and s.ordinal < offer.slots and s.session_id is null
            order by s.ordinal limit 1 for update skip locked) free
          where not exists (select 1 from slot held where held.session_id = ${holder})
          limit 1)
        returning node_id`.execute(db);
      return rows[0]?.node_id;
    } catch (error) {
      // Another broker gave the same session a slot in this very moment.
      if (error instanceof Error && 'code' in error && error.code === uniqueViolation) return undefined;
      throw error;
    }
  };

  return {
    claim,

    offer: inBatches(async (offers: readonly Offer[]) => {
      await offerSlots(db, offers);
      return offers.map(() => undefined);
    }),

    async release(sessionId) {
      await sql`update slot set session_id = null, claimed_at = null where ${isUnhurried}
        and session_id = any(${[sessionId, readerOf(sessionId)]}::text[])`.execute(db);
    },

    async reclaim(olderThanMs) {
      const { numAffectedRows } = await sql`
        update slot set session_id = null, claimed_at = null
        where session_id is not null and claimed_at < clock_timestamp() - ${olderThanMs} * interval '1 ms'
          and not exists (select 1 from session where id = split_part(slot.session_id, '/', 1)
            and state = any(${[...slotStates]}::text[]))`.execute(db);
      return Number(numAffectedRows ?? 0n);
    },

    async used() {
      const { rows } = await sql<{ node_id: string; n: number }>`
        select node_id, count(*)::int as n from slot where session_id is not null group by node_id`.execute(
        db,
      );
      return new Map(rows.map(({ node_id, n }) => [node_id, n]));
    },
  };
}

/** The last word of each node counts. */
async function offerSlots(db: Db, offers: readonly Offer[]): Promise<void> {
  const latest = new Map(offers.map(({ nodeId, slots }) => [nodeId as string, slots]));
  const ids = [...latest.keys()].sort();
  const slots = ids.map((id) => latest.get(id) ?? 0);
  const offered = sql`unnest(${ids}::text[], ${slots}::int[]) as offer (node_id, slots)`;
  await sql`
    insert into slot (node_id, ordinal) select node_id, generate_series(0, slots - 1) from ${offered}
    on conflict (node_id, ordinal) do nothing`.execute(db);
  await sql`
    delete from slot using ${offered}
    where slot.node_id = offer.node_id and ordinal >= slots and session_id is null`.execute(db);
  const { rows } = await sql<{ id: string; node_id: string }>`
    select id, node_id from session s where s.node_id = any(${ids}::text[])
      and s.state = any(${[...slotStates]}::text[])
      and not exists (select 1 from slot where session_id = s.id) order by s.created_at`.execute(db);
  // From before there were slots, or more than the node offers now: what runs is never denied its place.
  for (const { id, node_id: nodeId } of rows)
    await sql`
      with free as (
        select ordinal from slot where node_id = ${nodeId} and session_id is null order by ordinal limit 1),
      place as (
        select coalesce((select ordinal from free),
          (select max(ordinal) + 1 from slot where node_id = ${nodeId}), 0) as ordinal)
      insert into slot (node_id, ordinal, session_id, claimed_at)
      select ${nodeId}, ordinal, ${id}, clock_timestamp() from place
      on conflict (node_id, ordinal) do update set session_id = excluded.session_id, claimed_at = excluded.claimed_at
      where slot.session_id is null`.execute(db);
}
