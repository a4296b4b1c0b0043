import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { ProvisionStore } from '../provision/index.ts';
import { waitingStates } from '../session/index.ts';
import type { Db } from './database.ts';
import { factOf } from './provision-look.ts';
import { createProvisionLog } from './provision-log.ts';
import { createProviderStore } from './provision-provider-store.ts';
import { createResourceStore } from './provision-resource-store.ts';

export function createProvisionStore(db: Db): ProvisionStore {
  return {
    ...createProviderStore(db),
    ...createResourceStore(db),
    ...createProvisionLog(db),

    async owner() {
      const owner = randomOwner();
      await db
        .insertInto('installation')
        .values({ owner })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return (await db.selectFrom('installation').select('owner').executeTakeFirstOrThrow()).owner;
    },

    async nodes(ids) {
      if (ids.length === 0) return new Map();
      const { rows } = await sql<{
        id: string;
        joined_at: Date | null;
        seen_at: Date | null;
        slots: number | null;
        live: number;
      }>`
        select n.id, n.joined_at, n.seen_at, n.slots, (
          select count(*)::int from session s where s.node_id = n.id and s.state not in ('closed', 'failed')) as live
        from node n where n.id = any(${[...ids]}::text[])`.execute(db);
      return new Map(rows.map((row) => [row.id, factOf(row)]));
    },

    async waitingSessions() {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from session
        where state = any(${[...waitingStates]}::text[]) and document->>'mode' = 'streamed'`.execute(db);
      return rows[0]?.count ?? 0;
    },

    async warmSlots(pool, sources) {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from pre_warm
        where pool = ${pool} and outcome is null and until > now()
          and source = any(${[...sources]}::text[])`.execute(db);
      return rows[0]?.count ?? 0;
    },

    async arrivals(days) {
      const { rows } = await sql<{ at: Date; count: number; seconds: number | null }>`
        select date_bin('15 minutes', created_at, timestamptz '2000-01-01') as at, count(*)::int as count,
          avg(extract(epoch from (document->>'closedAt')::timestamptz - created_at))
            filter (where state = 'closed')::float8 as seconds
        from session
        where created_at > now() - ${days} * interval '1 day' and document->>'mode' = 'streamed'
        group by 1 order by 1`.execute(db);
      const held = rows.flatMap(({ count, seconds }) => (seconds === null ? [] : [{ count, seconds }]));
      const total = held.reduce((sum, { count }) => sum + count, 0);
      const seconds = held.reduce((sum, row) => sum + row.count * row.seconds, 0);
      return {
        requests: rows.map(({ at, count }) => ({ at, count })),
        meanHoldSeconds: total === 0 ? 0 : seconds / total,
      };
    },
  };
}

/** 8 characters, the first a letter: it is part of names everywhere. */
function randomOwner(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const all = `${letters}0123456789`;
  // 252 is the largest multiple of 36 in a byte.
  const bytes = [...randomBytes(64)].filter((byte) => byte < 252);
  return bytes
    .slice(0, 8)
    .map((byte, index) => (index === 0 ? letters[byte % 26] : all[byte % 36]))
    .join('');
}
