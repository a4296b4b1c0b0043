import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndexDatabase } from './index-database.ts';

const schema = 'CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, body TEXT) STRICT';

describe('a database that gathers', () => {
  let folder: string;
  let database: IndexDatabase;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'index-database-'));
    database = IndexDatabase.open(join(folder, 'a.sqlite'), schema);
  });
  afterEach(async () => {
    database[Symbol.dispose]();
    await rm(folder, { recursive: true });
  });

  const insert = (name: string, body = ''): number =>
    database.run('INSERT INTO note VALUES (?, ?)', name, body);
  const gather = (name: string, body = ''): number => database.gather(() => insert(name, body));
  const names = (from = database): string[] =>
    from.all<{ name: string }>('SELECT name FROM note ORDER BY name').map(({ name }) => name);
  /** What another would find whose machine had stopped now. */
  const left = async (): Promise<string[]> => {
    const copy = join(folder, 'copy.sqlite');
    for (const end of ['', '-wal']) await copyFile(join(folder, `a.sqlite${end}`), `${copy}${end}`);
    using opened = IndexDatabase.open(copy, schema);
    return names(opened);
  };

  it('shows what is gathered at once, and has it on the disk when that is wanted', async () => {
    gather('a');
    gather('b');

    expect(names()).toEqual(['a', 'b']);
    expect(await left()).toEqual([]);
    await database.durable();
    expect(await left()).toEqual(['a', 'b']);
  });

  it('brings it to the disk some time later by itself', async () => {
    gather('a');

    await expect.poll(left).toEqual(['a']);
  });

  it('has it on the disk before whatever is written otherwise', async () => {
    gather('a');
    insert('b');
    expect(await left()).toEqual(['a', 'b']);

    gather('c');
    database.transaction(() => insert('d'));
    expect(await left()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps the others of a work that fails, and nothing of that one', async () => {
    gather('a');
    const failing = (): void =>
      database.gather(() => {
        insert('b');
        insert('a');
      });

    expect(failing).toThrow(/UNIQUE/);

    expect(names()).toEqual(['a']);
    gather('c');
    await database.durable();
    expect(await left()).toEqual(['a', 'c']);
  });

  it('takes nothing more while the disk takes nothing, and forgets nothing of what it took', async () => {
    const pages = database.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
    database.all(`PRAGMA max_page_count = ${pages + 4}`);
    gather('a');

    expect(() => gather('b', 'x'.repeat(100_000))).toThrow(/full/);

    expect(names()).toEqual(['a']);
    database.all('PRAGMA max_page_count = 100000');
    gather('b', 'x'.repeat(100_000));
    await database.durable();
    expect(await left()).toEqual(['a', 'b']);
  });

  it('makes a whole copy while it goes on', async () => {
    for (let at = 0; at < 300; at += 1) gather(`${at}`.padStart(3, '0'), 'x'.repeat(5_000));
    const copy = join(folder, 'backup.sqlite');

    const making = database.backup(copy);
    gather('later');
    await making;

    using opened = IndexDatabase.open(copy, schema);
    expect(names(opened).filter((name) => name !== 'later')).toHaveLength(300);
    expect(names()).toHaveLength(301);
  });
});
