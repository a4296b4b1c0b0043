import { inBatches } from '@medusa/kernel';
import { auditEventSchema, type AuditEvent } from '@medusa/protocol';
import type { Selectable } from 'kysely';
import { chainHash, genesisHash, type AuditFilter, type AuditStore } from '../audit/index.ts';
import type { Db } from './database.ts';
import type { AuditRow } from './schema.ts';

const batchLines = 1_000;

type Entry = Omit<AuditEvent, 'sequence' | 'hash'>;

export function createAuditStore(db: Db): AuditStore {
  const page = async (after: number): Promise<AuditEvent[]> => {
    const query = db.selectFrom('audit_event').selectAll().where('sequence', '>', String(after));
    const rows = await query.orderBy('sequence').limit(batchLines).execute();
    return rows.map(toEvent);
  };

  return {
    append: inBatches(appendAtTail(db)),

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

type Tail = Pick<AuditEvent, 'sequence' | 'hash'>;

/**
 * Each line needs the hash of the one before it, so a writer goes by the end of the chain as it knows it. Another broker may have
 * written since: then the number is taken, and the end is read anew. Each line is on disk when it resolves.
 */
function appendAtTail(db: Db): (entries: readonly Entry[]) => Promise<readonly AuditEvent[]> {
  let known: Tail | undefined;
  return async (entries) => {
    for (;;) {
      const events = follow(known ?? (await tailOf(db)), entries);
      // Until it is known to be written, nothing is.
      known = undefined;
      try {
        await db.insertInto('audit_event').values(events.map(toRow)).execute();
        known = events.at(-1);
        return events;
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
    }
  };
}

function follow(tail: Tail, entries: readonly Entry[]): readonly AuditEvent[] {
  let { sequence, hash } = tail;
  return entries.map((entry) => {
    sequence += 1;
    hash = chainHash(hash, entry);
    return { ...entry, sequence, hash };
  });
}

async function tailOf(db: Db): Promise<Tail> {
  const last = await db
    .selectFrom('audit_event')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { sequence: Number(last?.sequence ?? 0), hash: last?.hash ?? genesisHash };
}

const uniqueViolation = '23505';
const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === uniqueViolation;

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
