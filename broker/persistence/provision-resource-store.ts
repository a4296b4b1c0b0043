import { AppError, providerIdSchema, poolIdSchema, resourceIdSchema } from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import {
  ClaimLost,
  mentions,
  newStatus,
  type Claim,
  type Intent,
  type ProvisionStore,
  type ResourceRecord,
  type Settlement,
  type Status,
  type Wish,
} from '../provision/index.ts';
import type { Db } from './database.ts';
import { appendEvents } from './provision-log.ts';
import { addWork, kickWork, notify } from './provision-work.ts';
import type { Database } from './schema.ts';

type ResourceStore = Pick<
  ProvisionStore,
  'resource' | 'resources' | 'insert' | 'insertHeld' | 'changeWish' | 'related' | 'openIntents' | 'write'
>;

/** More than a call may take: who holds a claim for longer has hung. */
const defaultLeaseMs = 180_000;

export function createResourceStore(db: Db): ResourceStore {
  return {
    async resource(id) {
      const row = await db.selectFrom('resource').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toRecord(row);
    },

    async resources({ kind, provider, pool, ids, withAbsent = false }) {
      const rows = await db
        .selectFrom('resource')
        .selectAll()
        .$if(kind !== undefined, (all) => all.where('kind', '=', kind ?? ''))
        .$if(provider !== undefined, (all) => all.where('provider', '=', provider ?? ''))
        .$if(pool !== undefined, (all) => all.where('pool', '=', pool ?? ''))
        .$if(ids !== undefined, (all) => all.where('id', 'in', [...(ids ?? []), '']))
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

    insert: async ({ id, provider, pool, wish }, event) =>
      db.transaction().execute(async (trx) => {
        await addWork(trx, { topic: 'resource', id, lane: provider });
        const known = await trx
          .selectFrom('resource')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (known && known.phase !== 'absent') return undefined;
        const now = new Date();
        // What is left of an earlier one must never be taken for this one: its incarnations go on.
        const status = newStatus(now.getTime(), known ? known.status.incarnation + 1 : 1);
        const facts = {
          provider,
          pool,
          ...wishColumns(wish),
          ...statusColumns(status),
          created_at: now,
          changed_at: now,
        };
        const row = await trx
          .insertInto('resource')
          .values({ id, ...facts })
          .onConflict((conflict) =>
            conflict.column('id').doUpdateSet(facts).where('resource.phase', '=', 'absent'),
          )
          .returningAll()
          .executeTakeFirst();
        if (!row) return undefined;
        await appendEvents(trx, [event]);
        return toRecord(row);
      }),

    insertHeld: async ({ id, provider, pool, wish, status, createdAt }, event) =>
      db.transaction().execute(async (trx) => {
        await addWork(trx, { topic: 'resource', id, lane: provider });
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

    async related({ id, wish }) {
      const names = mentions(wish.spec);
      const rows = await db
        .selectFrom('resource')
        .selectAll()
        .where(sql<boolean>`(id = any(${names}::text[]) or mentions @> array[${id}]::text[])`)
        .where('phase', '<>', 'absent')
        .orderBy('id')
        .execute();
      return rows.map(toRecord);
    },

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

    async write(claim, { status, provider, intent, settle = [], events = [], leaseMs = defaultLeaseMs }) {
      const isNews = await db.transaction().execute(async (trx) => {
        await holdClaim(trx, claim, { leaseMs, lane: provider });
        for (const settlement of settle) await writeSettlement(trx, settlement);
        if (intent) await writeIntent(trx, intent);
        await appendEvents(trx, events);
        return status !== undefined && (await writeStatus(trx, claim.id, { status, provider }));
      });
      if (isNews) await tellOthers(db, claim.id);
    },
  };
}

/** Locks the claim until the end of the transaction, so that it cannot be taken over in between. Always the first lock taken. */
async function holdClaim(
  trx: Db,
  claim: Claim,
  { leaseMs, lane }: { leaseMs: number; lane: string | undefined },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update provision_work set claim_until = clock_timestamp() + ${leaseMs} * interval '1 ms',
      lane = coalesce(${lane ?? null}::text, lane)
    where topic = ${claim.topic} and id = ${claim.id} and claim_token = ${claim.token}`.execute(trx);
  if (numAffectedRows !== 1n) throw new ClaimLost(claim);
}

/** Whether others have to hear of it. */
async function writeStatus(
  trx: Db,
  id: string,
  { status, provider }: { status: Status; provider: string | undefined },
): Promise<boolean> {
  const before = await trx
    .selectFrom('resource')
    .select(['phase', 'ref', sql<number>`(status->>'incarnation')::int`.as('incarnation')])
    .where('id', '=', id)
    .executeTakeFirst();
  await trx
    .updateTable('resource')
    .set({
      ...statusColumns(status),
      ...(provider === undefined ? {} : { provider }),
      changed_at: new Date(),
    })
    .where('id', '=', id)
    .execute();
  await notify(trx, { kind: 'changed' });
  return (
    before?.phase !== status.phase || before.ref !== status.ref || before.incarnation !== status.incarnation
  );
}

/**
 * Kicks those that wait for it, those it waited for, and its pool. After its own transaction: two that kick each other while they hold
 * their own claims would wait for each other. Lost in a crash, it is made up for by their next look.
 */
async function tellOthers(db: Db, id: string): Promise<void> {
  const others = await sql<{ id: string }>`
    select id from resource where mentions @> array[${id}]::text[] and phase <> 'absent'
    union select unnest(mentions) from resource where id = ${id}`.execute(db);
  await db
    .transaction()
    .execute(async (trx) => kickWork(trx, { topic: 'resource', ids: others.rows.map((row) => row.id) }));
  const own = await db.selectFrom('resource').select('pool').where('id', '=', id).executeTakeFirst();
  if (own?.pool != null) await kickWork(db, { topic: 'pool', ids: [own.pool] });
}

async function writeIntent(trx: Db, intent: Intent): Promise<void> {
  const { id, resource, provider, incarnation, action, name, state, startedAt } = intent;
  await trx
    .insertInto('provision_intent')
    .values({
      ...{ id, resource, provider, incarnation, action, name, state },
      started_at: new Date(startedAt),
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, ended_at: null }))
    .execute();
}

async function writeSettlement(trx: Db, { id, state, fault, detail }: Settlement): Promise<void> {
  await trx
    .updateTable('provision_intent')
    .set({ state, fault, detail, ended_at: sql`clock_timestamp()` })
    .where('id', '=', id)
    .execute();
}

function wishColumns(wish: Wish) {
  return {
    kind: wish.spec.kind,
    wish: JSON.stringify(wish),
    is_wanted: wish.isWanted,
    mentions: mentions(wish.spec),
  };
}

function statusColumns(status: Status) {
  return { status: JSON.stringify(status), phase: status.phase, ref: status.ref };
}

function toRecord(row: Selectable<Database['resource']>): ResourceRecord {
  const { id, provider, pool, wish, status, created_at: createdAt, changed_at: changedAt } = row;
  return {
    id: resourceIdSchema.parse(id),
    provider: providerIdSchema.parse(provider),
    pool: pool === null ? null : poolIdSchema.parse(pool),
    ...{ wish, status },
    createdAt: createdAt.getTime(),
    changedAt: changedAt.getTime(),
  };
}

function toIntent(row: Selectable<Database['provision_intent']>): Intent {
  const { id, resource, provider, incarnation, action, name, state, started_at, ended_at } = row;
  return {
    id,
    resource: resourceIdSchema.parse(resource),
    provider: providerIdSchema.parse(provider),
    ...{ incarnation, name },
    action: action as Intent['action'],
    state: state as Intent['state'],
    startedAt: started_at.getTime(),
    endedAt: ended_at?.getTime() ?? null,
  };
}
