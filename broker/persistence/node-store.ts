import type { NodeId } from '@medusa/protocol';
import { sql } from 'kysely';
import type { NodeStore } from '../node/index.ts';
import type { Db } from './database.ts';

export function createNodeStore(db: Db): NodeStore {
  return {
    async load() {
      const rows = await db.selectFrom('node').select('document').orderBy('id').execute();
      return rows.map(({ document }) => document);
    },
    async save(records) {
      await db
        .insertInto('node')
        .values(records.map((record) => ({ id: record.id, document: JSON.stringify(record) })))
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((row) => ({ document: row.ref('excluded.document') })),
        )
        .execute();
    },
    async lastHeard(nodeIds) {
      const { rows } = await sql<{ id: NodeId; seen_at: Date }>`
        select id, seen_at from node where id = any(${[...nodeIds]}::text[]) and seen_at is not null`.execute(
        db,
      );
      return new Map(rows.map(({ id, seen_at: seenAt }) => [id, seenAt]));
    },
    async heard(news) {
      const rows = news.map(({ nodeId, seenAt, joined }) => ({
        ...{ id: nodeId, seen_at: seenAt, slots: joined?.slots ?? null },
        joined_at: joined === null ? null : seenAt,
      }));
      await sql`
        update node set seen_at = heard.seen_at, joined_at = coalesce(heard.joined_at, node.joined_at),
          slots = coalesce(heard.slots, node.slots)
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as heard(id text, seen_at timestamptz, joined_at timestamptz, slots int)
        where node.id = heard.id`.execute(db);
    },
  };
}
