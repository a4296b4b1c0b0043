import { sql } from 'kysely';
import { putEntitySchema, unlistedSchema } from '@medusa/protocol';
import type { EntityStore } from '../entity/index.ts';
import type { Db } from './database.ts';

export function createEntityStore(db: Db): EntityStore {
  /** With each change the revision grows, so that every broker and storage node sees that there was one. */
  const change = async (act: (within: Db) => Promise<void>): Promise<void> =>
    db.transaction().execute(async (within) => {
      await within
        .updateTable('entity_registry')
        .set({ revision: sql`revision + 1` })
        .execute();
      await act(within);
    });
  return {
    async load() {
      return db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (within) => {
          const { revision, unlisted } = await within
            .selectFrom('entity_registry')
            .selectAll()
            .executeTakeFirstOrThrow();
          const rows = await within.selectFrom('entity').selectAll().orderBy('title').execute();
          return {
            revision: Number(revision),
            unlisted: unlistedSchema.parse(unlisted),
            records: rows.map(({ title, wish, changed_at, changed_by }) => ({
              title,
              wish: putEntitySchema.parse(wish),
              changedAt: changed_at.toISOString(),
              changedBy: changed_by,
            })),
          };
        });
    },
    put: async ({ title, wish, changedAt, changedBy }) =>
      change(async (within) => {
        const row = { wish: JSON.stringify(wish), changed_at: changedAt, changed_by: changedBy };
        await within
          .insertInto('entity')
          .values({ title, ...row })
          .onConflict((conflict) => conflict.column('title').doUpdateSet(row))
          .execute();
      }),
    remove: async (title) =>
      change(async (within) => {
        await within.deleteFrom('entity').where('title', '=', title).execute();
      }),
    setUnlisted: async (unlisted) =>
      change(async (within) => {
        await within.updateTable('entity_registry').set({ unlisted }).execute();
      }),
  };
}
