import { sql } from 'kysely';
import type { LinkRow, LinkStore } from '../placement/index.ts';
import type { Db } from './database.ts';

export function createLinkStore(db: Db): LinkStore {
  return {
    async load() {
      const rows = await db.selectFrom('link').selectAll().execute();
      return rows.map(({ from_place: from, to_place: to, measure, document: record }) => ({
        ...{ from, to, record, measure: measure as LinkRow['measure'] },
      }));
    },

    async save(rows) {
      // What a day has not confirmed tells nothing any more.
      await sql`delete from link where measured_at < now() - interval '1 day'`.execute(db);
      if (rows.length === 0) return;
      await db
        .insertInto('link')
        .values(rows.map(toRow))
        .onConflict((conflict) =>
          conflict
            .columns(['from_place', 'to_place', 'measure'])
            .doUpdateSet({
              document: (row) => row.ref('excluded.document'),
              measured_at: (row) => row.ref('excluded.measured_at'),
            })
            .whereRef('excluded.measured_at', '>', 'link.measured_at'),
        )
        .execute();
    },
  };
}

function toRow({ from, to, measure, record }: LinkRow) {
  return {
    from_place: from,
    to_place: to,
    measure,
    document: JSON.stringify(record),
    measured_at: new Date(record.measuredAtMs),
  };
}
