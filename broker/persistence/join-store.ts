import { inBatches } from '@medusa/kernel';
import type { NodeId } from '@medusa/protocol';
import { sql } from 'kysely';
import type { JoinStore } from '../provision/guest/index.ts';
import type { Db } from './database.ts';

/** A token is taken a few seconds past its end, and clocks differ: what expired this long ago cannot come again. */
const forgetMs = 3_600_000;

export function createJoinStore(db: Db): JoinStore {
  return {
    invited: inBatches(async (nodeIds: readonly NodeId[]) => {
      const rows = await db
        .selectFrom('node_invitation')
        .select(['node_id', 'incarnation', 'since'])
        .where(sql<boolean>`node_id = any(${[...nodeIds]}::text[])`)
        .execute();
      const known = new Map(rows.map(({ node_id: id, ...invitation }) => [id, invitation]));
      return nodeIds.map((id) => known.get(id));
    }),
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
      // The primary key decides between two that come at once.
      const { rows } = await sql`
        with forgotten as (delete from join_token where expires_at < ${forgotten})
        insert into join_token (jti, used_at, expires_at) values (${tokenId}, ${now}, ${expiresAt})
        on conflict do nothing returning 1`.execute(db);
      return rows.length === 1;
    },
  };
}
