import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Seal } from '../provision/credentials/index.ts';
import type { GuestData } from '../provision/guest/index.ts';
import type { Db } from './database.ts';

/** Sealed as credentials of providers are: the database alone does not tell it. */
export function createGuestStore(db: Db, seal: Seal): GuestData {
  const about = (key: string): string => `guest ${key}`;
  return {
    async put(userData) {
      const id = randomUUID();
      // An hour is longer than any machine takes from here to being wanted.
      await sql`delete from guest_data where at < now() - interval '1 hour' and not exists (
        select 1 from resource where is_wanted and wish->'spec'->>'userData' = guest_data.id)`.execute(db);
      await db
        .insertInto('guest_data')
        .values({ id, sealed: seal.seal(about(id), userData) })
        .execute();
      return id;
    },
    async find(key) {
      const row = await db.selectFrom('guest_data').select('sealed').where('id', '=', key).executeTakeFirst();
      return row && String(seal.open(about(key), row.sealed));
    },
    async remove(key) {
      await db.deleteFrom('guest_data').where('id', '=', key).execute();
    },
  };
}
