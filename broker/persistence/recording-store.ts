import type { RecordingStore } from '../recording/index.ts';
import type { Db } from './database.ts';

export function createRecordingStore(db: Db): RecordingStore {
  return {
    async insert(record) {
      const document = JSON.stringify(record);
      await db
        .insertInto('recording')
        .values({ id: record.id, started_at: record.startedAt, document })
        .execute();
    },
    async find(id) {
      const row = await db.selectFrom('recording').select('document').where('id', '=', id).executeTakeFirst();
      return row?.document;
    },
    update: async (id, change) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('recording')
          .select('document')
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (!row) return undefined;
        const next = change(row.document);
        await trx
          .updateTable('recording')
          .set({ document: JSON.stringify(next) })
          .where('id', '=', id)
          .execute();
        return next;
      }),
    async list(most) {
      const rows = await db
        .selectFrom('recording')
        .select('document')
        .orderBy('started_at', 'desc')
        .limit(most)
        .execute();
      return rows.map(({ document }) => document);
    },
  };
}
