import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { migrations } from './migrations.ts';
import { PreparingClient } from './prepared.ts';
import type { Database } from './schema.ts';

export type Db = Kysely<Database>;

/** Connects and brings the tables up to date. Several brokers may start at once: the migrator holds an advisory lock. */
export async function openDatabase(url: string, onError: (error: unknown) => void): Promise<Db> {
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 5_000,
  });
  // A lost idle connection is replaced by the pool; unheard, the event would end the process.
  pool.on('error', ({ message }) => {
    if (!pool.ending) onError(new Error(`A connection to the database was lost: ${message}`));
  });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    await db.destroy();
    throw new Error('The database could not be brought up to date', { cause: error });
  }
  return db;
}
