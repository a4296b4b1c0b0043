import { nodeIdSchema, studySummarySchema, type StudySummary } from '@medusa/protocol';
import { sql } from 'kysely';
import type { StudySearch, StudyStore } from '../study/index.ts';
import type { Db } from './database.ts';

/** Nobody turns to page 400, and to count a million takes longer than to find. */
const mostCounted = 10_000;

export function createStudyStore(db: Db): StudyStore {
  return {
    async cursor({ nodeId, indexId }) {
      const row = await db
        .selectFrom('study_cursor')
        .select('change')
        .where('node_id', '=', nodeId)
        .where('index_id', '=', indexId)
        .executeTakeFirst();
      return Number(row?.change ?? 0);
    },

    async save({ nodeId, indexId }, studies) {
      const latest = new Map(studies.map((study) => [study.studyInstanceUID, study]));
      const rows = Array.from(latest.values(), (study) => ({
        study_instance_uid: study.studyInstanceUID,
        node_id: nodeId,
        index_id: indexId,
        search_text: searchText(study),
        study_date: study.studyDate,
        study_time: study.studyTime,
        modalities: study.modalitiesInStudy,
        last_received_at: study.lastReceivedAt,
        summary: JSON.stringify(study),
      }));
      const change = Math.max(...studies.map((study) => study.change));
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('study')
          .values(rows)
          .onConflict((conflict) =>
            conflict.column('study_instance_uid').doUpdateSet((eb) => ({
              node_id: eb.ref('excluded.node_id'),
              index_id: eb.ref('excluded.index_id'),
              search_text: eb.ref('excluded.search_text'),
              study_date: eb.ref('excluded.study_date'),
              study_time: eb.ref('excluded.study_time'),
              modalities: eb.ref('excluded.modalities'),
              last_received_at: eb.ref('excluded.last_received_at'),
              summary: eb.ref('excluded.summary'),
            })),
          )
          .execute();
        await trx
          .insertInto('study_cursor')
          .values({ node_id: nodeId, index_id: indexId, change })
          .onConflict((conflict) =>
            conflict
              .columns(['node_id', 'index_id'])
              .doUpdateSet({ change: sql`greatest(study_cursor.change, excluded.change)` }),
          )
          .execute();
      });
    },

    async remove(studyInstanceUID, at) {
      await db
        .deleteFrom('study')
        .where('study_instance_uid', '=', studyInstanceUID)
        .where('last_received_at', '<=', sql<Date>`${at}::timestamptz`)
        .execute();
    },

    async search(search) {
      const page = matching(db, search)
        .select('summary')
        .orderBy('study_date', 'desc')
        .orderBy('study_time', 'desc')
        .orderBy('study_instance_uid')
        .limit(search.limit)
        .offset(search.offset);
      const count = db
        .selectFrom(matching(db, search).select('study_instance_uid').limit(mostCounted).as('found'))
        .select((eb) => eb.fn.countAll<string>().as('total'));
      // Each may have to look at the same thousands of rows: over two connections the user waits for that once.
      const [rows, { total }] = await Promise.all([page.execute(), count.executeTakeFirstOrThrow()]);
      return { studies: rows.map(({ summary }) => studySummarySchema.parse(summary)), total: Number(total) };
    },

    /** From one to the next by the index: there are few of them, and many studies. */
    async senders() {
      const { rows } = await sql<{ sender: string }>`
        with recursive known(sender) as (
          (select summary->>'receivedFrom' from study order by 1 limit 1)
          union all
          select (select summary->>'receivedFrom' from study
            where summary->>'receivedFrom' > known.sender order by 1 limit 1)
          from known where known.sender is not null)
        select sender from known where sender is not null`.execute(db);
      return rows.map(({ sender }) => sender);
    },

    async find(studyInstanceUID) {
      const row = await db
        .selectFrom('study')
        .select(['summary', 'node_id'])
        .where('study_instance_uid', '=', studyInstanceUID)
        .executeTakeFirst();
      return row && { study: studySummarySchema.parse(row.summary), nodeId: nodeIdSchema.parse(row.node_id) };
    },
  };
}

function matching(db: Db, { text, modality, dateFrom, dateTo }: StudySearch) {
  const words = (text ?? '')
    .toLowerCase()
    .split(/[\s,^]+/)
    .filter((word) => word !== '');
  let query = db.selectFrom('study');
  for (const word of words)
    query = query.where('search_text', 'like', `%${word.replace(/[\\%_]/g, '\\$&')}%`);
  // Within some days the order by date is narrow enough; without, a seldom modality has its own index.
  const isOf =
    dateFrom === undefined
      ? sql<boolean>`modalities @> array[${modality}]`
      : sql<boolean>`${modality} = any(modalities)`;
  return query
    .$if(modality !== undefined, (rows) => rows.where(isOf))
    .$if(dateFrom !== undefined, (rows) => rows.where('study_date', '>=', dateFrom ?? ''))
    .$if(dateTo !== undefined, (rows) =>
      rows.where('study_date', '<=', dateTo ?? '').where('study_date', '<>', ''),
    );
}

function searchText(study: StudySummary): string {
  const { patientName, patientID, accessionNumber, studyDescription } = study;
  return [patientName.replaceAll('^', ' '), patientID, accessionNumber, studyDescription]
    .join('\n')
    .toLowerCase();
}
