import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { freePort } from '@medusa/kernel/free-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDatabase, type Database } from './database.ts';
import { isAlive } from '../support/is-alive.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'medusa-database-'));
});
afterEach(async () => rm(parent, { recursive: true, force: true }));

async function start(dataDir: string): Promise<Database> {
  return startDatabase(
    {
      dataDir,
      password: 'p/w:with@signs',
      port: await freePort(),
      logFile: path.join(parent, 'postgres.log'),
      environment: { PATH: process.env['PATH'] ?? '' },
    },
    AbortSignal.timeout(30_000),
  );
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('startDatabase', () => {
  // A folder that only root can enter is what a checkout below /root looks like to PostgreSQL's user.
  it.each([0o755, 0o700])('keeps what was written over a restart, in a folder of mode %o', async (mode) => {
    const dataDir = path.join(parent, 'data');
    await mkdir(dataDir, { mode });
    const first = await start(dataDir);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { pid = 0 } = first.process;
    await first.process.close();
    expect(isAlive(pid)).toBe(false);

    const second = await start(dataDir);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await second.process.close();
  });

  it('asks for the password', async () => {
    const database = await start(parent);
    const url = new URL(database.url);
    url.password = 'wrong';

    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await database.process.close();
  });
});
