import { nodeIdSchema, sessionIdSchema, type NodeId, type SessionId } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSlotStore, openDatabase, type Db } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import type { SlotStore } from './slot-store.ts';

let database: TestDatabase;
let dbs: readonly Db[];
let brokers: readonly SlotStore[];
let one: SlotStore;
beforeAll(async () => {
  database = await startTestDatabase();
  const url = await database.create('slots');
  dbs = await Promise.all([1, 2, 3].map(async () => openDatabase(url, () => undefined)));
  brokers = dbs.map(createSlotStore);
  one = brokers[0] ?? createSlotStore(dbOf());
});
afterAll(async () => {
  await Promise.all(dbs.map(async (db) => db.destroy()));
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await dbOf().deleteFrom('slot').execute();
  await dbOf().deleteFrom('session').execute();
});

function dbOf(): Db {
  const [db] = dbs;
  if (!db) throw new Error('There is no database');
  return db;
}

const nodeId = nodeIdSchema.parse('n1');
const other = nodeIdSchema.parse('n2');

function session(number: number | string): SessionId {
  return sessionIdSchema.parse(`s${number}`);
}

async function addSession(id: SessionId, state: string, on = 'n1'): Promise<void> {
  await dbOf()
    .insertInto('session')
    .values({
      ...{ id, state, owner_id: 'ada', node_id: on, study_instance_uid: '1.2', created_at: new Date() },
      document: '{}',
    })
    .execute();
}

describe('slots', () => {
  it('are claimed in the order of the offers, until all are held', async () => {
    await one.offer({ nodeId, slots: 1 });
    await one.offer({ nodeId: other, slots: 1 });
    const offers = [
      { nodeId: other, slots: 1 },
      { nodeId, slots: 1 },
    ];

    expect(await one.claim(session(1), offers)).toBe('n2');
    expect(await one.claim(session(2), offers)).toBe('n1');
    expect(await one.claim(session(3), offers)).toBeUndefined();
    expect(await one.used()).toEqual(
      new Map([
        ['n1', 1],
        ['n2', 1],
      ]),
    );
  });

  it('are held once each and one a session, however many brokers claim at once', async () => {
    const nodes = Array.from({ length: 10 }, (_, n) => ({
      nodeId: nodeIdSchema.parse(`node-${n}`),
      slots: 4,
    }));
    for (const offer of nodes) await one.offer(offer);

    // Every broker tries every session, with the nodes in the same order.
    const tryAll = async (): Promise<{ id: SessionId; nodeId: NodeId | undefined }[]> =>
      Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          brokers.map(async (broker) => ({ id: session(n), nodeId: await broker.claim(session(n), nodes) })),
        ).flat(),
      );
    // Who meets another at the same session lets go of a slot that a third one has passed by: it is there the next time.
    const won = [...(await tryAll()), ...(await tryAll())].filter((claim) => claim.nodeId !== undefined);

    expect(won).toHaveLength(40);
    expect(new Set(won.map(({ id }) => id)).size).toBe(40);
    const rows = await dbOf().selectFrom('slot').selectAll().where('session_id', 'is not', null).execute();
    expect(new Map(rows.map((row) => [row.session_id, row.node_id]))).toEqual(
      new Map(won.map((claim) => [claim.id, claim.nodeId])),
    );
  });

  it('are free again after a release, and a second release changes nothing', async () => {
    await one.offer({ nodeId, slots: 1 });
    await one.claim(session(1), [{ nodeId, slots: 1 }]);
    await one.release(session(1));
    await one.claim(session(2), [{ nodeId, slots: 1 }]);

    await one.release(session(1));

    expect(await one.used()).toEqual(new Map([['n1', 1]]));
  });

  it('follow the node: fewer are offered while what runs keeps its place', async () => {
    await one.offer({ nodeId, slots: 3 });
    for (const n of [1, 2, 3]) {
      await addSession(session(n), 'streaming');
      await one.claim(session(n), [{ nodeId, slots: 3 }]);
    }

    await one.offer({ nodeId, slots: 1 });
    await one.release(session(2));

    expect(await one.claim(session(4), [{ nodeId, slots: 1 }])).toBeUndefined();
    expect(await one.used()).toEqual(new Map([['n1', 2]]));
  });

  it('are given to what a node runs already, also beyond what it offers', async () => {
    await addSession(session('a'), 'streaming');
    await addSession(session('b'), 'suspended');
    await addSession(session('c'), 'closed');
    await addSession(session('d'), 'streaming', 'n2');

    await one.offer({ nodeId, slots: 1 });
    await one.offer({ nodeId, slots: 1 });

    expect(await one.used()).toEqual(new Map([['n1', 2]]));
    expect(await one.claim(session('e'), [{ nodeId, slots: 1 }])).toBeUndefined();
  });

  it('of brokers that ended before they could release are free after a while, and no others', async () => {
    await one.offer({ nodeId, slots: 4 });
    const offers = [{ nodeId, slots: 4 }];
    await addSession(session('runs'), 'streaming');
    await addSession(session('ended'), 'closed');
    await addSession(session('waits'), 'placing');
    for (const name of ['runs', 'ended', 'waits', 'unknown']) await one.claim(session(name), offers);

    expect(await one.reclaim(60_000)).toBe(0);
    expect(await one.reclaim(0)).toBe(3);
    expect(await one.used()).toEqual(new Map([['n1', 1]]));
  });
});
