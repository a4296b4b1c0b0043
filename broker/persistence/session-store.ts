import { AppError } from '@medusa/protocol';
import { sql } from 'kysely';
import { liveStates, type SessionQuery, type SessionRecord, type SessionStore } from '../session/index.ts';
import type { Db } from './database.ts';

export function createSessionStore(db: Db): SessionStore {
  return {
    async insert(record) {
      await db.insertInto('session').values(toRow(record)).execute();
    },

    async find(id) {
      const row = await db.selectFrom('session').select('document').where('id', '=', id).executeTakeFirst();
      return row?.document;
    },

    update: async (id, change) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('session')
          .select('document')
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (!row) throw new AppError('session.unknown', 'There is no such session');
        const next = change(row.document);
        await trx.updateTable('session').set(toRow(next)).where('id', '=', id).execute();
        return next;
      }),

    async list(query) {
      const isLiveOnly = query.states?.every((state) => liveStates.includes(state)) ?? false;
      const rows = await matching(db, query)
        .select('document')
        .orderBy('created_at', isLiveOnly ? 'asc' : 'desc')
        .$if(query.limit !== undefined, (rows) => rows.limit(query.limit ?? 0))
        .execute();
      return rows.map(({ document }) => document);
    },

    async recentSeconds(count) {
      const rows = await db
        .selectFrom('session')
        .select('document')
        .where('state', '=', 'closed')
        .where('node_id', 'is not', null)
        .orderBy('created_at', 'desc')
        .limit(count)
        .execute();
      return rows.flatMap(({ document: { streamingAt, closedAt } }) =>
        streamingAt !== null && closedAt !== null
          ? [(Date.parse(closedAt) - Date.parse(streamingAt)) / 1000]
          : [],
      );
    },

    async grant(id, userId) {
      await db
        .insertInto('session_grant')
        .values({ session_id: id, user_id: userId })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    async isGranted(id, userId) {
      const row = await db
        .selectFrom('session_grant')
        .select('user_id')
        .where('session_id', '=', id)
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

function matching(db: Db, { states, nodeIds, seenBy, studyInstanceUID }: SessionQuery) {
  return db
    .selectFrom('session')
    .$if(states !== undefined, (rows) =>
      rows.where(sql<boolean>`state = any(${[...(states ?? [])]}::text[])`),
    )
    .$if(nodeIds !== undefined, (rows) =>
      rows.where(
        sql<boolean>`(node_id = any(${[...(nodeIds ?? [])]}::text[])
          or document #>> '{placement,split,readerNodeId}' = any(${[...(nodeIds ?? [])]}::text[]))`,
      ),
    )
    .$if(studyInstanceUID !== undefined, (rows) =>
      rows.where('study_instance_uid', '=', studyInstanceUID ?? ''),
    )
    .$if(seenBy !== undefined, (rows) =>
      rows.where(
        sql<boolean>`(owner_id = ${seenBy} or exists (
          select 1 from session_grant where session_id = session.id and user_id = ${seenBy}))`,
      ),
    );
}

function toRow(record: SessionRecord) {
  return {
    id: record.id,
    state: record.state,
    owner_id: record.ownerId,
    node_id: record.nodeId,
    study_instance_uid: record.studyInstanceUID,
    created_at: record.createdAt,
    document: JSON.stringify(record),
  };
}
