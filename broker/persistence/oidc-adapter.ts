import { sql } from 'kysely';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import type { Db } from './database.ts';

/** Logins, grants and codes of the embedded provider: they outlive a restart of the broker. */
export function createOidcAdapter(db: Db): AdapterFactory {
  return (model): Adapter => {
    const findWhere = async (column: 'id' | 'uid', value: string): Promise<AdapterPayload | undefined> => {
      const row = await db
        .selectFrom('oidc_payload')
        .select('payload')
        .where('model', '=', model)
        .where(column, '=', value)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
        .executeTakeFirst();
      return row?.payload;
    };
    return {
      async upsert(id, payload, expiresIn) {
        const columns = {
          payload: JSON.stringify(payload),
          grant_id: payload.grantId ?? null,
          uid: payload.uid ?? null,
          expires_at: expiresIn ? new Date(Date.now() + expiresIn * 1000) : null,
        };
        await db
          .insertInto('oidc_payload')
          .values({ model, id, ...columns })
          .onConflict((conflict) => conflict.columns(['model', 'id']).doUpdateSet(columns))
          .execute();
      },
      find: async (id) => findWhere('id', id),
      findByUid: async (uid) => findWhere('uid', uid),
      // Only the device flow has user codes, and it is not offered.
      findByUserCode: async () => undefined,
      async consume(id) {
        const consumed = sql<string>`jsonb_set(payload, '{consumed}', to_jsonb(extract(epoch from now())::bigint))`;
        await db
          .updateTable('oidc_payload')
          .set({ payload: consumed })
          .where('model', '=', model)
          .where('id', '=', id)
          .execute();
      },
      async destroy(id) {
        await db.deleteFrom('oidc_payload').where('model', '=', model).where('id', '=', id).execute();
      },
      async revokeByGrantId(grantId) {
        await db
          .deleteFrom('oidc_payload')
          .where('model', '=', model)
          .where('grant_id', '=', grantId)
          .execute();
      },
    };
  };
}

export async function deleteExpiredLogins(db: Db): Promise<void> {
  await db
    .deleteFrom('oidc_payload')
    .where('expires_at', '<', sql<Date>`now()`)
    .execute();
}
