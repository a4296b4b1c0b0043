import { sessionIdSchema } from '@medusa/protocol';
import { emptyRoom, type InvitationStore, type RoomStore } from '../room/index.ts';
import type { Db } from './database.ts';

export function createRoomStore(db: Db): RoomStore {
  return {
    async load() {
      const rows = await db.selectFrom('room').select('document').execute();
      return rows.map(({ document }) => document);
    },
    async find(sessionId) {
      const row = await db
        .selectFrom('room')
        .select('document')
        .where('session_id', '=', sessionId)
        .executeTakeFirst();
      return row?.document;
    },
    update: async (sessionId, change) =>
      db.transaction().execute(async (trx) => {
        // Two first joins at once must meet in one room: the row is there before it is locked.
        await trx
          .insertInto('room')
          .values({ session_id: sessionId, document: JSON.stringify(emptyRoom(sessionId)) })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const row = await trx
          .selectFrom('room')
          .select('document')
          .where('session_id', '=', sessionId)
          .forUpdate()
          .executeTakeFirstOrThrow();
        const next = change(row.document);
        await trx
          .updateTable('room')
          .set({ document: JSON.stringify(next) })
          .where('session_id', '=', sessionId)
          .execute();
        return next;
      }),
    async remove(sessionId) {
      await db.deleteFrom('room').where('session_id', '=', sessionId).execute();
    },
  };
}

export function createInvitationStore(db: Db): InvitationStore {
  return {
    async save(codeHash, { sessionId, expiresAt }) {
      await db
        .insertInto('invitation')
        .values({ code_hash: codeHash, session_id: sessionId, expires_at: expiresAt })
        .execute();
    },
    async find(codeHash) {
      const row = await db
        .selectFrom('invitation')
        .select(['session_id', 'expires_at'])
        .where('code_hash', '=', codeHash)
        .executeTakeFirst();
      return row && { sessionId: sessionIdSchema.parse(row.session_id), expiresAt: row.expires_at };
    },
  };
}
