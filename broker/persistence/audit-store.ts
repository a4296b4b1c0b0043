import { auditEventSchema, type AuditEvent } from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import { chainHash, genesisHash, type AuditFilter, type AuditStore } from '../audit/index.ts';
import type { Db } from './database.ts';
import type { AuditRow } from './schema.ts';

/** Any number of our own will do, as long as nothing else in the database takes it. */
const chainLock = 7_310_001;
const batchLines = 1_000;

export function createAuditStore(db: Db): AuditStore {
  const page = async (after: number): Promise<AuditEvent[]> => {
    const query = db.selectFrom('audit_event').selectAll().where('sequence', '>', String(after));
    const rows = await query.orderBy('sequence').limit(batchLines).execute();
    return rows.map(toEvent);
  };

  return {
    // One writer at a time: each line needs the hash of the one before it.
    append: async (entry) =>
      db.transaction().execute(async (trx) => {
        await sql`select pg_advisory_xact_lock(${chainLock})`.execute(trx);
        const last = await trx
          .selectFrom('audit_event')
          .select(['sequence', 'hash'])
          .orderBy('sequence', 'desc')
          .limit(1)
          .executeTakeFirst();
        const sequence = Number(last?.sequence ?? 0) + 1;
        const hash = chainHash(last?.hash ?? genesisHash, entry);
        await trx
          .insertInto('audit_event')
          .values({
            sequence,
            at: entry.at,
            action: entry.action,
            outcome: entry.outcome,
            actor_id: entry.actorId,
            actor_name: entry.actorName,
            actor_address: entry.actorAddress,
            object_type: entry.objectType,
            object_id: entry.objectId,
            detail: entry.detail,
            hash,
          })
          .execute();
        return { ...entry, sequence, hash };
      }),

    async list(filter) {
      const rows = await filtered(db, filter)
        .selectAll()
        .orderBy('sequence', 'desc')
        .limit(filter.limit)
        .execute();
      return rows.map(toEvent);
    },

    async *lines() {
      for (
        let lines = await page(0);
        lines.length > 0;
        lines = await page(lines.at(-1)?.sequence ?? Infinity)
      )
        yield* lines;
    },

    async markLoginSeen(loginId) {
      const marked = await db
        .insertInto('login_seen')
        .values({ login_id: loginId })
        .onConflict((conflict) => conflict.doNothing())
        .returning('login_id')
        .executeTakeFirst();
      return marked !== undefined;
    },
  };
}

function filtered(db: Db, { action, actorId, objectId, from, to, before }: AuditFilter) {
  return db
    .selectFrom('audit_event')
    .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
    .$if(actorId !== undefined, (query) => query.where('actor_id', '=', actorId ?? ''))
    .$if(objectId !== undefined, (query) => query.where('object_id', '=', objectId ?? ''))
    .$if(from !== undefined, (query) => query.where('at', '>=', from ?? ''))
    .$if(to !== undefined, (query) => query.where('at', '<', to ?? ''))
    .$if(before !== undefined, (query) => query.where('sequence', '<', String(before)));
}

function toEvent(row: Selectable<AuditRow>): AuditEvent {
  return auditEventSchema.parse({
    sequence: Number(row.sequence),
    at: row.at,
    action: row.action,
    outcome: row.outcome,
    actorId: row.actor_id,
    actorName: row.actor_name,
    actorAddress: row.actor_address,
    objectType: row.object_type,
    objectId: row.object_id,
    detail: row.detail,
    hash: row.hash,
  });
}
