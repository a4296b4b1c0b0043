import { inBatches } from '@medusa/kernel';
import { auditEventSchema, type AuditEvent } from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import { chainHash, genesisHash, type AuditFilter, type AuditStore } from '../audit/index.ts';
import type { Db } from './database.ts';
import type { AuditRow } from './schema.ts';

/** Any number of our own will do, as long as nothing else in the database takes it. */
const chainLock = 7_310_001;
const batchLines = 1_000;

type Entry = Omit<AuditEvent, 'sequence' | 'hash'>;

export function createAuditStore(db: Db): AuditStore {
  const page = async (after: number): Promise<AuditEvent[]> => {
    const query = db.selectFrom('audit_event').selectAll().where('sequence', '>', String(after));
    const rows = await query.orderBy('sequence').limit(batchLines).execute();
    return rows.map(toEvent);
  };

  return {
    append: inBatches(async (entries) => appendAll(db, entries)),

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

/** One writer at a time: each line needs the hash of the one before it. Each is on disk when it resolves. */
async function appendAll(db: Db, entries: readonly Entry[]): Promise<AuditEvent[]> {
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${chainLock})`.execute(trx);
    const last = await trx
      .selectFrom('audit_event')
      .select(['sequence', 'hash'])
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    let { sequence, hash } = { sequence: Number(last?.sequence ?? 0), hash: last?.hash ?? genesisHash };
    const events = entries.map((entry) => {
      sequence += 1;
      hash = chainHash(hash, entry);
      return { ...entry, sequence, hash };
    });
    await trx.insertInto('audit_event').values(events.map(toRow)).execute();
    return events;
  });
}

function toRow({ sequence, at, action, outcome, detail, hash, ...of }: AuditEvent) {
  return {
    ...{ sequence, at, action, outcome, detail, hash },
    ...{ actor_id: of.actorId, actor_name: of.actorName, actor_address: of.actorAddress },
    ...{ object_type: of.objectType, object_id: of.objectId },
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
