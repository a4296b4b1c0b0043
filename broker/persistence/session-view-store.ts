import { sql } from 'kysely';
import type { SessionViewStore } from '../session/index.ts';
import type { Db } from './database.ts';

export function createSessionViewStore(db: Db): SessionViewStore {
  return {
    /** Whose word counts is decided by the session's row as it is in this moment, for any number of brokers. */
    async save(told) {
      const documents = JSON.stringify(
        told.map(({ sessionId, incarnation, nodeId, view }) => ({
          ...{ session_id: sessionId, node_id: nodeId, incarnation, revision: view.revision },
          ...{ study: view.studyInstanceUID, document: view },
        })),
      );
      await sql`
        insert into session_view (session_id, incarnation, revision, document)
        select told.session_id, told.incarnation, told.revision, told.document
        from jsonb_to_recordset(${documents}::jsonb) as told
          (session_id text, node_id text, incarnation int, revision bigint, study text, document jsonb)
        join session s on s.id = told.session_id and s.study_instance_uid = told.study
        where (select set_config('synchronous_commit', 'off', true)) = 'off'
          and s.state not in ('closed', 'failed')
          and coalesce((s.document->>'incarnation')::int, 1) = told.incarnation
          and (told.node_id is null or told.node_id = s.node_id
            or told.node_id = s.document #>> '{placement,split,readerNodeId}')
        on conflict (session_id) do update
          set incarnation = excluded.incarnation, revision = excluded.revision, document = excluded.document
          where (session_view.incarnation, session_view.revision) < (excluded.incarnation, excluded.revision)`.execute(
        db,
      );
    },
    async find(id) {
      const row = await db
        .selectFrom('session_view')
        .select('document')
        .where('session_id', '=', id)
        .executeTakeFirst();
      return row?.document;
    },
    async remove(id) {
      await db.deleteFrom('session_view').where('session_id', '=', id).execute();
    },
    async removeEnded() {
      await sql`delete from session_view using session
        where session.id = session_view.session_id and session.state in ('closed', 'failed')`.execute(db);
    },
  };
}
