import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLinkStore, openDatabase, type Db } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { brokerPlace, createLinkBook, type LinkBook } from './link-book.ts';

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await startTestDatabase();
  db = await openDatabase(await database.create('links'), () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

const noon = Date.now();

function bookAt(laterMs: number): LinkBook {
  return createLinkBook({ store: createLinkStore(db), now: () => new Date(noon + laterMs) });
}

describe('the book of links', () => {
  it('tells the same to every broker, and of two measurements the later one', async () => {
    const one = bookAt(0);
    const other = bookAt(60_000);
    one.observe({ from: 'site:a', to: 'cloud', measure: 'kbps' }, 50_000);
    await one.exchange();
    await other.exchange();
    expect(other.path('cloud', 'site:a').kbps?.typical).toBe(50_000);

    other.observe({ from: 'site:a', to: 'cloud', measure: 'kbps' }, 100_000);
    await other.exchange();
    one.observe({ from: 'site:a', to: 'cloud', measure: 'kbps' }, 1);
    await one.exchange();

    expect(one.path('site:a', 'cloud').kbps?.typical).toBeCloseTo(55_556, 0);
  });

  it('knows a path that was never measured by the ways of both places to the broker', () => {
    const book = bookAt(0);
    book.observe({ from: brokerPlace, to: 'site:b', measure: 'rttMs' }, 2);
    book.observe({ from: brokerPlace, to: 'far', measure: 'rttMs' }, 40);

    expect(book.path('site:b', 'far').rttMs?.typical).toBe(40);
    expect(book.path('site:b', 'nowhere').rttMs).toBeNull();
    book.observe({ from: 'site:b', to: 'far', measure: 'rttMs' }, 38);
    expect(book.path('site:b', 'far').rttMs?.typical).toBe(38);
  });

  it('forgets what no broker has measured for a day', async () => {
    const old = bookAt(-25 * 3_600_000);
    old.observe({ from: 'site:c', to: 'cloud', measure: 'kbps' }, 9);
    await old.exchange();
    await bookAt(0).exchange();

    const rows = await db.selectFrom('link').selectAll().where('from_place', '=', 'site:c').execute();
    expect(rows).toEqual([]);
  });
});
