import { randomUUID } from 'node:crypto';
import { providerIdSchema, resourceIdSchema } from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createProvisionStore,
  createWorkStore,
  openDatabase,
  openPresence,
  type Db,
} from '../../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { machineOf } from '../../support/test-provisioning.ts';
import { newStatus, newWish } from './model.ts';
import {
  ClaimLost,
  type Claim,
  type Presence,
  type ProvisionStore,
  type Room,
  type WorkStore,
} from './store.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

let test: AsyncDisposableStack;
let url: string;
let db: Db;
let work: WorkStore;
let store: ProvisionStore;
beforeEach(async () => {
  test = new AsyncDisposableStack();
  url = await database.create(`w${randomUUID().replaceAll('-', '')}`);
  db = await openDatabase(url, () => undefined);
  test.defer(async () => db.destroy());
  work = createWorkStore(db);
  store = createProvisionStore(db);
});
afterEach(async () => test.disposeAsync());

const cloud = providerIdSchema.parse('cloud');
const one = resourceIdSchema.parse('m-one');
const patient = { timeout: 10_000, interval: 20 };
const created = () => ({ kind: 'admin', outcome: 'ok', text: 'created', durationMs: null }) as const;
const wanted = () => [{ id: one, provider: cloud, pool: null, wish: newWish(machineOf()) }];
const presence = async (): Promise<Presence> => test.use(await openPresence(url, () => undefined));
const claimAll = async (instance: number, leaseMs = 60_000): Promise<readonly Claim[]> =>
  (await work.claim({ of: { [cloud]: 10 }, others: 0 }, { instance, leaseMs })).claims;

async function wantMachine(): Promise<void> {
  await store.putProvider({ id: cloud, kind: 'simulated', title: '', settings: {}, isEnabled: true });
  for (const claim of await claimAll((await presence()).instance)) await work.release(claim, null);
  await store.insert(wanted(), created);
}

describe('a claim', () => {
  it('is one broker’s alone, as long as that broker is there', async () => {
    await wantMachine();
    const [first, second] = [await presence(), await presence()];

    expect(await claimAll(first.instance)).toMatchObject([{ topic: 'resource', id: one, lane: cloud }]);
    expect(await claimAll(second.instance)).toEqual([]);
  });

  it('is free in the moment its broker is gone, and void for it', async () => {
    await wantMachine();
    const first = await openPresence(url, () => undefined);
    const [lost] = await claimAll(first.instance);
    await first[Symbol.asyncDispose]();
    const second = await presence();

    await expect.poll(async () => claimAll(second.instance), patient).toMatchObject([{ id: one }]);
    if (!lost) throw new Error('It was not claimed');
    await expect(
      store.write(lost, { status: newStatus(0), events: [{ ...created(), provider: cloud, resource: one }] }),
    ).rejects.toThrow(ClaimLost);
    await work.release(lost, 0);
    expect(await claimAll(second.instance)).toEqual([]);
    expect(await store.log({ limit: 10 })).toHaveLength(1);
  });

  it('is free when its lease is over, though its broker seems to be there', async () => {
    await wantMachine();
    const [hung, other] = [await presence(), await presence()];
    await claimAll(hung.instance, 1);

    await expect.poll(async () => claimAll(other.instance), patient).toMatchObject([{ id: one }]);
  });

  it('does not lose a kick that comes while it is worked on', async () => {
    await wantMachine();
    const { instance } = await presence();
    const [claim] = await claimAll(instance);
    if (!claim) throw new Error('It was not claimed');
    await work.kick('resource', [one]);

    await work.release(claim, 3_600_000);

    expect(await claimAll(instance)).toMatchObject([{ id: one }]);
  });

  it('is given as far as there is room in its lane, and tells when the next is due', async () => {
    await wantMachine();
    const { instance } = await presence();
    const claimed = async (room: Room) => work.claim(room, { instance, leaseMs: 60_000 });

    expect((await claimed({ of: { [cloud]: 0 }, others: 10 })).claims).toEqual([]);
    expect((await claimed({ of: { other: 10 }, others: 0 })).claims).toEqual([]);
    const { claims } = await claimed({ of: {}, others: 1 });
    expect(claims).toMatchObject([{ id: one }]);
    for (const claim of claims) await work.release(claim, 60_000);
    expect((await claimed({ of: {}, others: 1 })).nextInMs).toBeGreaterThan(50_000);
  });

  it('is given to one of many who ask at once', async () => {
    await wantMachine();
    const brokers = await Promise.all(Array.from({ length: 6 }, presence));

    const claims = await Promise.all(brokers.map(async ({ instance }) => claimAll(instance)));

    expect(claims.flat()).toHaveLength(1);
  });
});

describe('a presence', () => {
  it('that the database ended is told, and hears no more', async () => {
    const lost = await presence();
    const { rows } = await import('pg').then(async ({ default: pg }) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return await client.query<{ ended: boolean }>(
          `select pg_terminate_backend(pid) as ended from pg_stat_activity
           where application_name = 'medusa broker presence' and datname = current_database()`,
        );
      } finally {
        await client.end();
      }
    });

    expect(rows).toEqual([{ ended: true }]);
    await expect.poll(() => lost.lost.aborted, patient).toBe(true);
  });

  it('hears what another broker wants done, at once', async () => {
    const heard: string[] = [];
    test.use(await openPresence(url, ({ kind }) => void heard.push(kind)));

    await wantMachine();

    await expect.poll(() => heard, patient).toContain('work');
  });
});

describe('what is stored', () => {
  it('has one owner for ever', async () => {
    const owner = await store.owner();

    expect(owner).toMatch(/^[a-z][a-z0-9]{7}$/);
    expect(await createProvisionStore(db).owner()).toBe(owner);
  });

  it('takes up a name that is gone with its next incarnation', async () => {
    await wantMachine();
    const { instance } = await presence();
    const [claim] = await claimAll(instance);
    if (!claim) throw new Error('It was not claimed');
    await store.write(claim, { status: { ...newStatus(0, 3), phase: 'absent' } });

    const [again] = await store.insert(wanted(), created);

    expect(again?.status).toMatchObject({ incarnation: 4, phase: 'planned', ref: null });
    expect(await store.insert(wanted(), created)).toEqual([]);
  });
});
