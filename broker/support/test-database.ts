import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '@medusa/kernel/free-ports';
import { startDatabase } from '../embedded/index.ts';

/** A real PostgreSQL in a temporary folder; each test file has its own server, each test may have its own database. */
export type TestDatabase = AsyncDisposable & { create(name: string): Promise<string> };

export async function startTestDatabase(): Promise<TestDatabase> {
  await using starting = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'medusa-pg-'));
  starting.defer(async () => rm(dataDir, { recursive: true, force: true }));
  const server = await startDatabase(
    {
      dataDir,
      password: 'test',
      port: await freePort(),
      logFile: join(dataDir, 'postgres.log'),
      environment: { PATH: process.env['PATH'] ?? '' },
    },
    AbortSignal.timeout(60_000),
  );
  starting.use(server.process);
  const running = starting.move();
  return {
    async create(name) {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      try {
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return server.url.replace(/[^/]*$/, name);
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
