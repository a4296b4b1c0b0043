import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditTrail, type AuditStore } from '../audit/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { createAuditStore, openDatabase } from './index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

const entry = (detail: string): Parameters<AuditStore['append']>[0] => ({
  ...{ at: '2026-01-01T00:00:00.000Z', action: 'node.joined', outcome: 'success', detail },
  ...{ actorId: 'n', actorName: 'n', actorAddress: '127.0.0.1', objectType: 'node', objectId: 'n' },
});

it('is one chain with every line in it, though several brokers write at once', async () => {
  const url = await database.create('audit');
  await using stack = new AsyncDisposableStack();
  const stores: AuditStore[] = [];
  for (let broker = 0; broker < 3; broker += 1) {
    const db = await openDatabase(url, () => undefined);
    stack.defer(async () => db.destroy());
    stores.push(createAuditStore(db));
  }
  const details = Array.from({ length: 300 }, (_, n) => `line ${n}`);

  const written = await Promise.all(
    details.map(async (detail, n) => {
      // In several batches of each broker.
      for (let turn = 0; turn < n % 7; turn += 1) await stores[n % 3]?.list({ limit: 1 });
      return stores[n % 3]?.append(entry(detail));
    }),
  );

  const [reader] = stores;
  if (!reader) throw new Error('There is no store');
  expect(await createAuditTrail(reader, () => new Date()).verify()).toMatchObject({
    kind: 'intact',
    lines: 300,
  });
  const kept: string[] = [];
  for await (const { detail } of reader.lines()) kept.push(detail);
  expect(kept.toSorted()).toEqual(details.toSorted());
  expect(new Set(written.map((event) => event?.sequence)).size).toBe(300);
});
