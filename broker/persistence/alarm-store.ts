import { alarmSchema, type Alarm } from '@medusa/protocol';
import type { Selectable } from 'kysely';
import type { AlarmStore } from '../alarm/index.ts';
import type { Db } from './database.ts';
import type { Database } from './schema.ts';

const keptDays = 90;

export function createAlarmStore(db: Db): AlarmStore {
  return {
    async open() {
      const rows = await db
        .selectFrom('alarm')
        .selectAll()
        .where('cleared_at', 'is', null)
        .orderBy('raised_at', 'desc')
        .execute();
      return rows.map((row) => ({ ...toAlarm(row), key: row.key }));
    },
    async raise({ key, kind, severity, subject, nodeId, words, raisedAt }) {
      const row = await db
        .insertInto('alarm')
        .values({
          key,
          kind,
          severity,
          subject,
          node_id: nodeId,
          words,
          raised_at: raisedAt,
          cleared_at: null,
        })
        .onConflict((conflict) => conflict.column('key').where('cleared_at', 'is', null).doNothing())
        .returningAll()
        .executeTakeFirst();
      return row && toAlarm(row);
    },
    async clear(key, at) {
      const cleared = await db
        .updateTable('alarm')
        .set({ cleared_at: at })
        .where('key', '=', key)
        .where('cleared_at', 'is', null)
        .returning('id')
        .executeTakeFirst();
      const before = new Date(Date.parse(at) - keptDays * 86_400_000);
      await db.deleteFrom('alarm').where('cleared_at', '<', before).execute();
      return cleared !== undefined;
    },
    async cleared(limit) {
      const rows = await db
        .selectFrom('alarm')
        .selectAll()
        .where('cleared_at', 'is not', null)
        .orderBy('cleared_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toAlarm);
    },
  };
}

function toAlarm(row: Selectable<Database['alarm']>): Alarm {
  return alarmSchema.parse({
    ...{ id: row.id, kind: row.kind, severity: row.severity, subject: row.subject, nodeId: row.node_id },
    ...{ words: row.words, raisedAt: row.raised_at.toISOString() },
    clearedAt: row.cleared_at?.toISOString() ?? null,
  });
}
