import { provisionEventSchema } from '@medusa/protocol';
import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { NewEvent, ProvisionStore } from '../provision/index.ts';
import type { Db } from './database.ts';
import { notifying } from './provision-work.ts';
import type { Database } from './schema.ts';

/** Successes of a step that its typical duration is the median of. */
const samples = 20;

export function createProvisionLog(
  db: Db,
): Pick<ProvisionStore, 'log' | 'append' | 'typicalSeconds' | 'prune'> {
  return {
    async log({ provider, resource, before, limit }) {
      const rows = await db
        .selectFrom('provision_event')
        .selectAll()
        .$if(provider !== undefined, (events) => events.where('provider', '=', provider ?? ''))
        .$if(resource !== undefined, (events) => events.where('resource', '=', resource ?? ''))
        .$if(before !== undefined, (events) => events.where('sequence', '<', String(before ?? 0)))
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toEvent);
    },

    append: async (events) => db.transaction().execute(async (trx) => appendEvents(trx, events)),

    async typicalSeconds() {
      const { rows } = await sql<{ provider: string; step: string; seconds: number }>`
        select s.provider, s.step, percentile_cont(0.5) within group (order by e.duration_ms) / 1000 as seconds
        from (select distinct provider, step from provision_event
              where step is not null and outcome = 'ok' and provider is not null) s
        cross join lateral (
          select duration_ms from provision_event
          where provider = s.provider and step = s.step and outcome = 'ok' and duration_ms is not null
          order by sequence desc limit ${samples}) e
        group by s.provider, s.step`.execute(db);
      return new Map(rows.map(({ provider, step, seconds }) => [`${provider} ${step}`, seconds]));
    },

    async prune(days) {
      const before = sql<Date>`now() - ${days} * interval '1 day'`;
      await db.deleteFrom('provision_event').where('at', '<', before).execute();
      await db
        .deleteFrom('provision_intent')
        .where('state', 'in', ['succeeded', 'failed'])
        .where('started_at', '<', before)
        .execute();
    },
  };
}

/** In the caller's transaction. */
export async function appendEvents(db: Db, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql`with event as (select 1), ${writingEvents(events, sql`event`)}
    select ${notifying({ kind: 'changed' })}`.execute(db);
}

/** As a part of a statement: written once for each row of `condition`, which has one or none. */
export function writingEvents(
  events: readonly NewEvent[],
  condition: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const rows = events.map(({ provider, resource, kind, outcome, step, text, durationMs }) => ({
    ...{ provider, resource, kind, outcome, text },
    step: step ?? null,
    duration_ms: durationMs,
  }));
  return sql`written_event as (
    insert into provision_event (at, provider, resource, kind, outcome, step, text, duration_ms)
    select clock_timestamp(), e.provider, e.resource, e.kind, e.outcome, e.step, e.text, e.duration_ms
    from ${condition}, jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as e(provider text, resource text, kind text, outcome text, step text, text text, duration_ms float8))`;
}

function toEvent(row: Selectable<Database['provision_event']>) {
  const { sequence, at, duration_ms: durationMs } = row;
  return provisionEventSchema.parse({ ...row, sequence: Number(sequence), at: at.toISOString(), durationMs });
}
