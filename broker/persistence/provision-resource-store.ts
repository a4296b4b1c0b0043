import { inBatches } from '@medusa/kernel';
import { AppError, type ResourceId } from '@medusa/protocol';
import { sql } from 'kysely';
import {
  mentions,
  newStatus,
  type ProvisionStore,
  type ResourceRecord,
  type Wish,
} from '../provision/index.ts';
import type { Db } from './database.ts';
import { appendEvents } from './provision-log.ts';
import { lookAt } from './provision-look.ts';
import { addWork, kickWork, notify } from './provision-work.ts';
import { statusColumns, toIntent, toRecord } from './provision-rows.ts';
import { writeUnderClaim } from './provision-write.ts';

type ResourceStore = Pick<
  ProvisionStore,
  'resource' | 'look' | 'resources' | 'insert' | 'insertHeld' | 'changeWish' | 'openIntents' | 'write'
>;

export function createResourceStore(db: Db): ResourceStore {
  return {
    async resource(id) {
      const row = await db.selectFrom('resource').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toRecord(row);
    },

    look: inBatches(async (ids: readonly ResourceId[]) => lookAt(db, ids)),

    async resources({ kind, provider, pool, ids, withAbsent = false }) {
      const rows = await db
        .selectFrom('resource')
        .selectAll()
        .$if(kind !== undefined, (all) => all.where('kind', '=', kind ?? ''))
        .$if(provider !== undefined, (all) => all.where('provider', '=', provider ?? ''))
        .$if(pool !== undefined, (all) => all.where('pool', '=', pool ?? ''))
        .$if(ids !== undefined, (all) => all.where(sql<boolean>`id = any(${[...(ids ?? [])]}::text[])`))
        .where(
          withAbsent && ids !== undefined
            ? sql<boolean>`true`
            : withAbsent
              ? sql<boolean>`(phase <> 'absent' or id in (
                select id from resource where phase = 'absent' order by changed_at desc limit 200))`
              : sql<boolean>`phase <> 'absent'`,
        )
        .orderBy('id')
        .execute();
      return rows.map(toRecord);
    },

    insert: async (records, event) =>
      db.transaction().execute(async (trx) => {
        // The work first, as everywhere: who holds a claim writes to its resource.
        for (const [lane, ids] of byLane(records)) await addWork(trx, { topic: 'resource', ids, lane });
        const made = await insertAll(trx, records);
        await appendEvents(
          trx,
          made.map(({ id, provider }) => ({ ...event(id), provider, resource: id })),
        );
        return made;
      }),

    insertHeld: async ({ id, provider, pool, wish, status, createdAt }, event) =>
      db.transaction().execute(async (trx) => {
        await addWork(trx, { topic: 'resource', ids: [id], lane: provider });
        const row = await trx
          .insertInto('resource')
          .values({
            ...{ id, provider, pool },
            ...wishColumns(wish),
            ...statusColumns(status),
            created_at: new Date(createdAt),
            changed_at: new Date(),
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (row) await appendEvents(trx, [event]);
      }),

    changeWish: async (id, change, event) =>
      db.transaction().execute(async (trx) => {
        await kickWork(trx, { topic: 'resource', ids: [id] });
        const row = await trx
          .selectFrom('resource')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (!row || row.phase === 'absent')
          throw new AppError('resource.unknown', 'There is no such resource');
        const record = toRecord(row);
        const wish = { ...change(record), revision: record.wish.revision + 1 };
        const changedAt = new Date();
        await trx
          .updateTable('resource')
          .set({ ...wishColumns(wish), changed_at: changedAt })
          .where('id', '=', id)
          .execute();
        if (event) await appendEvents(trx, [event]);
        await notify(trx, { kind: 'changed' });
        return { ...record, wish, changedAt: changedAt.getTime() };
      }),

    async openIntents(of) {
      const rows = await db
        .selectFrom('provision_intent')
        .selectAll()
        .$if('resource' in of, (all) => all.where('resource', '=', 'resource' in of ? of.resource : ''))
        .$if('provider' in of, (all) => all.where('provider', '=', 'provider' in of ? of.provider : ''))
        .where(sql<boolean>`(state = 'pending' or (state = 'unknown' and action = 'create'))`)
        .orderBy('started_at')
        .execute();
      return rows.map(toIntent);
    },

    write: writeUnderClaim(db),
  };
}

type NewResource = Pick<ResourceRecord, 'id' | 'provider' | 'pool' | 'wish'>;

function byLane(records: readonly NewResource[]): Map<string, string[]> {
  const lanes = new Map<string, string[]>();
  for (const { id, provider } of records) lanes.set(provider, [...(lanes.get(provider) ?? []), id]);
  return lanes;
}

/** Those that were not there. What is left of an earlier one must never be taken for this one: its incarnations go on. */
async function insertAll(trx: Db, records: readonly NewResource[]): Promise<ResourceRecord[]> {
  if (records.length === 0) return [];
  const now = new Date();
  const status = newStatus(now.getTime(), 1);
  const rows = records
    .map(({ id, provider, pool, wish }) => ({
      ...{ id, provider, pool, ...wishColumns(wish), ...statusColumns(status) },
      ...{ created_at: now, changed_at: now },
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const made = await trx
    .insertInto('resource')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((row) => ({
          kind: row.ref('excluded.kind'),
          provider: row.ref('excluded.provider'),
          pool: row.ref('excluded.pool'),
          wish: row.ref('excluded.wish'),
          is_wanted: row.ref('excluded.is_wanted'),
          mentions: row.ref('excluded.mentions'),
          phase: row.ref('excluded.phase'),
          ref: row.ref('excluded.ref'),
          created_at: row.ref('excluded.created_at'),
          changed_at: row.ref('excluded.changed_at'),
          status: sql`jsonb_set(excluded.status, '{incarnation}',
            to_jsonb((resource.status->>'incarnation')::int + 1))`,
        }))
        .where('resource.phase', '=', 'absent'),
    )
    .returningAll()
    .execute();
  return made.map(toRecord);
}

function wishColumns(wish: Wish) {
  return {
    kind: wish.spec.kind,
    wish: JSON.stringify(wish),
    is_wanted: wish.isWanted,
    mentions: mentions(wish.spec),
  };
}
