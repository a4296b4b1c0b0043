import type { JoinStore } from '../provision/guest/index.ts';
import type { Db } from './database.ts';

/** A token is taken a few seconds past its end, and clocks differ: what expired this long ago cannot come again. */
const forgetMs = 3_600_000;

export function createJoinStore(db: Db): JoinStore {
  return {
    async invited(nodeId) {
      return db
        .selectFrom('node_invitation')
        .select(['incarnation', 'since'])
        .where('node_id', '=', nodeId)
        .executeTakeFirst();
    },
    async invite(nodeId, { incarnation, since }) {
      await db
        .insertInto('node_invitation')
        .values({ node_id: nodeId, incarnation, since })
        .onConflict((conflict) =>
          conflict
            .column('node_id')
            .doUpdateSet({ incarnation, since })
            .where('node_invitation.incarnation', '!=', incarnation),
        )
        .execute();
    },
    async use(tokenId, expiresAt, now) {
      const forgotten = new Date(now.getTime() - forgetMs);
      await db.deleteFrom('join_token').where('expires_at', '<', forgotten).execute();
      // The primary key decides between two that come at once.
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('join_token')
        .values({ jti: tokenId, used_at: now, expires_at: expiresAt })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },
  };
}
