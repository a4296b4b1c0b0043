import { sql } from 'kysely';
import { newPoolStatus, type ProviderRecord, type ProvisionStore } from '../provision/index.ts';
import type { Db } from './database.ts';
import { toPool, toProvider } from './provision-rows.ts';
import { addWork, notify } from './provision-work.ts';

type ProviderStore = Pick<
  ProvisionStore,
  | 'providers'
  | 'provider'
  | 'putProvider'
  | 'setHealth'
  | 'removeProvider'
  | 'pools'
  | 'pool'
  | 'putPool'
  | 'dismissPool'
  | 'removePool'
  | 'setPoolStatus'
>;

const unknownHealth: ProviderRecord['health'] = {
  state: 'unknown',
  reason: 'Not asked yet',
  version: null,
  latencyMs: null,
  checkedAt: null,
  quotas: [],
  capabilities: [],
};

export function createProviderStore(db: Db): ProviderStore {
  const provider: ProvisionStore['provider'] = async (id) => {
    const row = await db.selectFrom('provider').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toProvider(row);
  };
  const pool: ProvisionStore['pool'] = async (id) => {
    const row = await db.selectFrom('pool').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toPool(row);
  };
  return {
    provider,
    pool,

    async providers() {
      return (await db.selectFrom('provider').selectAll().orderBy('id').execute()).map(toProvider);
    },

    putProvider: async ({ id, kind, title, settings, isEnabled, credentials }) =>
      db.transaction().execute(async (trx) => {
        const facts = { kind, title, settings: JSON.stringify(settings), is_enabled: isEnabled };
        const sealed = credentials === undefined ? {} : { credentials };
        const row = await trx
          .insertInto('provider')
          .values({ id, ...facts, credentials: credentials ?? null, health: JSON.stringify(unknownHealth) })
          .onConflict((conflict) =>
            conflict.column('id').doUpdateSet({
              ...facts,
              ...sealed,
              revision: sql`provider.revision + 1`,
              health: JSON.stringify(unknownHealth),
            }),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        await addWork(trx, { topic: 'provider', ids: [id], lane: id });
        await notify(trx, { kind: 'changed' });
        return toProvider(row);
      }),

    async setHealth(id, health) {
      await db
        .updateTable('provider')
        .set({ health: JSON.stringify(health) })
        .where('id', '=', id)
        .execute();
    },

    removeProvider: async (id) =>
      db.transaction().execute(async (trx) => {
        await trx.deleteFrom('resource').where('provider', '=', id).where('phase', '=', 'absent').execute();
        await trx.deleteFrom('provider').where('id', '=', id).execute();
        await trx.deleteFrom('provision_work').where('topic', '=', 'provider').where('id', '=', id).execute();
        await notify(trx, { kind: 'changed' });
      }),

    async pools() {
      return (await db.selectFrom('pool').selectAll().orderBy('id').execute()).map(toPool);
    },

    putPool: async (id, wanted) =>
      db.transaction().execute(async (trx) => {
        const document = JSON.stringify(wanted);
        const row = await trx
          .insertInto('pool')
          .values({ id, wanted: document, status: JSON.stringify(newPoolStatus) })
          .onConflict((conflict) => conflict.column('id').doUpdateSet({ wanted: document, is_wanted: true }))
          .returningAll()
          .executeTakeFirstOrThrow();
        await addWork(trx, { topic: 'pool', ids: [id], lane: '' });
        await notify(trx, { kind: 'changed' });
        return toPool(row);
      }),

    dismissPool: async (id) =>
      db.transaction().execute(async (trx) => {
        await trx.updateTable('pool').set({ is_wanted: false }).where('id', '=', id).execute();
        await addWork(trx, { topic: 'pool', ids: [id], lane: '' });
      }),

    removePool: async (id) =>
      db.transaction().execute(async (trx) => {
        await trx.deleteFrom('pool').where('id', '=', id).where('is_wanted', '=', false).execute();
        await trx.deleteFrom('provision_work').where('topic', '=', 'pool').where('id', '=', id).execute();
        await notify(trx, { kind: 'changed' });
      }),

    setPoolStatus: async (id, change) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('pool')
          .select('status')
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (!row) return;
        const status = JSON.stringify(change(row.status));
        if (status === JSON.stringify(row.status)) return;
        await trx.updateTable('pool').set({ status }).where('id', '=', id).execute();
        await notify(trx, { kind: 'changed' });
      }),
  };
}
