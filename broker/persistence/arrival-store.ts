import { sql } from 'kysely';
import type { ArrivalStore } from '../capacity/index.ts';
import type { Db } from './database.ts';

/** As many as a replay takes. */
const mostRead = 20_000;

export function createArrivalStore(db: Db): ArrivalStore {
  return {
    async between(from, to) {
      // One that still runs has held its slot until now; one that never had a picture held it for nothing that can be planned.
      const { rows } = await sql<{ at_ms: number; hold_ms: number }>`
        select extract(epoch from created_at)::float8 * 1000 as at_ms,
          extract(epoch from
            coalesce((document->>'closedAt')::timestamptz, ${to}::timestamptz)
            - (document->>'streamingAt')::timestamptz)::float8 * 1000 as hold_ms
        from session
        where created_at >= ${from} and created_at < ${to}
          and document->>'mode' = 'streamed' and document->>'streamingAt' is not null
        order by created_at desc limit ${mostRead}`.execute(db);
      return rows
        .map(({ at_ms: atMs, hold_ms: holdMs }) => ({ atMs, holdMs: Math.max(0, holdMs) }))
        .reverse();
    },
  };
}
