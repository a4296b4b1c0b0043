import { sql } from 'kysely';
import { emptyNote, type Note, type OcciStore } from '../occi/index.ts';
import type { Db } from './database.ts';

/** Mixins that users defined, and what they added to instances. */
export function createOcciStore(db: Db): OcciStore {
  const noteOf = ({ title, summary, mixins }: Note): Note => ({ title, summary, mixins });
  return {
    async mixins() {
      const rows = await db.selectFrom('occi_mixin').select('document').orderBy('id').execute();
      return rows.map(({ document }) => document);
    },

    async addMixin(mixin) {
      const document = JSON.stringify(mixin);
      await db
        .insertInto('occi_mixin')
        .values({ id: `${mixin.scheme}${mixin.term}`, document })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ document }))
        .execute();
    },

    async removeMixin(identifier) {
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('occi_mixin').where('id', '=', identifier).execute();
        await trx
          .updateTable('occi_note')
          .set({ mixins: sql<string[]>`array_remove(mixins, ${identifier})` })
          .where(sql<boolean>`${identifier} = any(mixins)`)
          .execute();
        await trx
          .deleteFrom('occi_note')
          .where('title', 'is', null)
          .where('summary', 'is', null)
          .where(sql<boolean>`mixins = '{}'`)
          .execute();
      });
    },

    async notes() {
      const rows = await db.selectFrom('occi_note').selectAll().execute();
      return new Map(rows.map((row) => [row.path, noteOf(row)]));
    },

    async change(paths, change) {
      // In one order, so that two who change the same instances do not wait for each other for ever.
      const ordered = [...new Set(paths)].toSorted();
      await db.transaction().execute(async (trx) => {
        for (const path of ordered) {
          await sql`select pg_advisory_xact_lock(hashtextextended(${`occi ${path}`}, 0))`.execute(trx);
          const row = await trx
            .selectFrom('occi_note')
            .selectAll()
            .where('path', '=', path)
            .executeTakeFirst();
          const note = noteOf(change(row ?? emptyNote, path));
          const isEmpty = note.title === null && note.summary === null && note.mixins.length === 0;
          if (isEmpty) {
            if (row) await trx.deleteFrom('occi_note').where('path', '=', path).execute();
            continue;
          }
          const values = { ...note, mixins: [...note.mixins] };
          await trx
            .insertInto('occi_note')
            .values({ path, ...values })
            .onConflict((conflict) => conflict.column('path').doUpdateSet(values))
            .execute();
        }
      });
    },
  };
}
