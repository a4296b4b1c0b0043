import { nodeIdSchema } from '@medusa/protocol';
import type { NodeStore } from '../node/index.ts';
import type { DesiredNodeStore } from '../provision/index.ts';
import type { Db } from './database.ts';

export function createNodeStore(db: Db): NodeStore {
  return {
    async load() {
      const rows = await db.selectFrom('node').select('document').orderBy('id').execute();
      return rows.map(({ document }) => document);
    },
    async save(record) {
      const document = JSON.stringify(record);
      await db
        .insertInto('node')
        .values({ id: record.id, document })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ document }))
        .execute();
    },
  };
}

export function createDesiredNodeStore(db: Db): DesiredNodeStore {
  return {
    async load() {
      const rows = await db.selectFrom('desired_node').select('id').orderBy('id').execute();
      return rows.map(({ id }) => nodeIdSchema.parse(id));
    },
    async save(ids) {
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('desired_node').execute();
        if (ids.length > 0)
          await trx
            .insertInto('desired_node')
            .values(ids.map((id) => ({ id })))
            .execute();
      });
    },
  };
}
