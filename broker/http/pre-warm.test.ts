import {
  launchResponseSchema,
  nodeIdSchema,
  poolIdSchema,
  poolViewSchema,
  preWarmReportSchema,
  reservationSchema,
  type PoolView,
  type PreWarmReport,
  type StudySummary,
} from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { WarmSlot } from '../capacity/index.ts';
import { mintNodeToken } from '../identity/broker-keys.ts';
import { createPreWarmStore, createStudyStore, openDatabase } from '../persistence/index.ts';
import { startSimulatedCloud, type SimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const minuteMs = 60_000;
const patient = { timeout: 8_000, interval: 100 };
const instant = (ms: number): string => new Date(ms).toISOString();

let test: AsyncDisposableStack;
let database: TestDatabase;
let broker: TestBroker;
let cloud: SimulatedCloud;
beforeAll(async () => {
  test = new AsyncDisposableStack();
  database = test.use(await startTestDatabase());
  cloud = test.use(await startSimulatedCloud({ bootMs: { median: 20, p95: 40 } }));
  broker = test.use(await startTestBroker(database, { preWarmMs: 100 }));
});
afterAll(async () => test.disposeAsync());

async function call(
  method: string,
  path: string,
  { body, user = 'ada' }: { body?: unknown; user?: TestUser } = {},
) {
  const token = await broker.token(user);
  return broker.call(method, path, { token, ...(body === undefined ? {} : { body }) });
}

async function report(days = 1): Promise<PreWarmReport> {
  return preWarmReportSchema.parse((await call('GET', `/api/capacity/pre-warm?days=${days}`)).body);
}

/** With `dryRun`: what is answered before the change. */
async function putPool(preWarm?: object, query = ''): Promise<unknown> {
  const machine = { kind: 'machine', role: 'render', image: 'medusa', size: 'small', slots: 1 };
  const policy = { min: 0, max: 3, scaleDownAfterSeconds: 0, ...(preWarm && { preWarm }) };
  const wanted = { providers: ['cloud'], machine, policy };
  const { status, body } = await call('PUT', `/api/pools/ct${query}`, { body: wanted });
  expect(status).toBe(200);
  return body;
}

async function pool(): Promise<PoolView | undefined> {
  const { body } = await call('GET', '/api/pools');
  return z
    .object({ pools: z.array(poolViewSchema) })
    .parse(body)
    .pools.find(({ id }) => id === 'ct');
}

function study(number: number, receivedMs: number): StudySummary {
  const receivedAt = instant(receivedMs);
  return testStudy(number, { studyDate: '', firstReceivedAt: receivedAt, lastReceivedAt: receivedAt });
}

/** Ten studies of yesterday's, each of which was opened two minutes after it came. */
async function recordPast(): Promise<StudySummary[]> {
  const past = Array.from({ length: 10 }, (_, n) => study(n + 1, Date.now() - (26 * 60 + n) * minuteMs));
  const db = await openDatabase(broker.databaseUrl, () => undefined);
  const rows = past.map(({ studyInstanceUID, firstReceivedAt }, index) => ({
    ...{ id: `past-${index}`, state: 'closed', owner_id: 'rosa', node_id: 'ct-9' },
    study_instance_uid: studyInstanceUID,
    created_at: instant(Date.parse(firstReceivedAt) + 2 * minuteMs),
    document: JSON.stringify({ mode: 'streamed', steps: [] }),
  }));
  await createStudyStore(db).save({ nodeId: nodeIdSchema.parse('storage-1'), indexId: 'before' }, past);
  await db.insertInto('session').values(rows).execute();
  await db.destroy();
  return past;
}

/** The simulated machines run nothing: what would run in them joins from here, as the first of their name. */
function asMachines(): TestBroker {
  const nodeToken: TestBroker['nodeToken'] = async (nodeId, kind) =>
    mintNodeToken(broker.secrets.signingKey, { nodeId: nodeIdSchema.parse(nodeId), kind, incarnation: 1 });
  return { ...broker, nodeToken };
}

describe('pre-warming', () => {
  it('makes slots ready for new studies before they are opened, and counts what was foreseen', async () => {
    const past = await recordPast();
    const fresh = [51, 52, 53].map((number) => study(number, Date.now()));
    // What was is learnt at the start, and once an hour.
    await broker.restart();
    test.use(await connectStorageNode(broker, [...past, ...fresh]));
    const provider = { kind: 'simulated', title: 'Cloud', settings: { url: cloud.url } };
    await call('PUT', '/api/providers/cloud', { body: provider });
    await putPool();

    await expect
      .poll(async () => (await report()).open.map(({ source }) => source), patient)
      .toEqual(['worklist', 'worklist']);
    await expect.poll(pool, patient).toMatchObject({
      target: 2,
      targetReason: '0 slots in use and 2 free ones wanted (2 for sessions foreseen), 1 a node',
    });
    const { open, learnt } = await report();
    expect(learnt.opened).toBe(10);
    expect(open[0]).toMatchObject({ pool: 'ct', title: null, studies: 3, isExtra: true });

    await expect.poll(async () => (await pool())?.counts.joining, patient).toBe(2);
    for (const id of ['ct-1', 'ct-2']) test.use(await connectRenderNode(asMachines(), { id }));
    for (const studyInstanceUID of ['1.2.3.51', '1.2.3.1']) {
      const opened = await call('POST', '/api/sessions', { body: { studyInstanceUID }, user: 'rosa' });
      expect(launchResponseSchema.parse(opened.body).session.nodeId).toMatch(/^ct-/);
    }

    // The second one is of a study that was read yesterday: nobody expected it.
    await expect
      .poll(async () => report(), patient)
      .toMatchObject({
        ...{ settled: 1, hits: 1, late: 0, misses: 0, hitRate: 1, missSlotMinutes: 0 },
        ...{ openings: 2, coverage: 0.5 },
      });
    const week = await report(7);
    expect(week).toMatchObject({ hits: 1, openings: 12 });
    expect(week.buckets).toHaveLength(28);
    expect(week.buckets.at(-1)).toMatchObject({ hits: 1, unforeseen: 1 });
  });

  it('makes slots ready for what stands in the calendar; an entry given up is a miss that cost', async () => {
    await putPool({ by: 'calendar', slots: 1 });
    const before = await report();
    const entry = { title: 'Tumour board', studyInstanceUID: '1.2.3.52', invited: ['dan'] };
    const times = {
      startsAt: instant(Date.now() + minuteMs / 2),
      endsAt: instant(Date.now() + 60 * minuteMs),
    };
    const booked = await call('POST', '/api/reservations', { body: { ...entry, ...times }, user: 'rene' });
    const { id } = reservationSchema.parse(booked.body);

    await expect
      .poll(async () => (await report()).open, patient)
      .toContainEqual(
        expect.objectContaining({
          source: 'calendar',
          title: 'Tumour board',
          chance: 1,
          untilAt: times.endsAt,
        }),
      );
    // Two sessions and the entry; a plan for a change counts them all.
    await expect.poll(async () => (await pool())?.target, patient).toBe(3);
    expect(await putPool({ by: 'both', slots: 2 }, '?dryRun=true')).toMatchObject({ steps: [] });
    await call('DELETE', `/api/reservations/${id}`, { user: 'rene' });

    await expect.poll(async () => (await report()).misses, patient).toBe(before.misses + 1);
    const { bySource, missSlotMinutes, hitRate } = await report();
    expect(bySource).toContainEqual(expect.objectContaining({ source: 'calendar', misses: 1 }));
    expect(missSlotMinutes).toBeGreaterThan(0);
    expect(hitRate).toBeLessThan(1);
  });

  it('is switched off for a pool, whose target then follows what is in use alone', async () => {
    await putPool({ by: 'off' });

    await expect.poll(async () => (await pool())?.targetReason, patient).not.toContain('foreseen');
    expect((await report()).pools).toEqual([expect.objectContaining({ id: 'render' })]);
  });

  it('is decided once by however many brokers', async () => {
    await broker.stop();
    const url = await database.create('decided_once');
    const databases = await Promise.all([1, 2, 3].map(async () => openDatabase(url, () => undefined)));
    const stores = databases.map(createPreWarmStore);
    const nowMs = Date.now();
    const slot: Omit<WarmSlot, 'subject'> = {
      ...{ pool: poolIdSchema.parse('ct'), source: 'worklist', studies: ['1.2'], people: [], chance: 1 },
      ...{ isExtra: true, decidedMs: nowMs, untilMs: nowMs + minuteMs },
    };

    // Each wants what is missing to five.
    const taken = await Promise.all(
      Array.from({ length: 30 }, async (_, n) =>
        stores[n % 3]?.revise(({ open }) => ({
          settled: [],
          taken: Array.from({ length: 5 - open.length }, (_one, index) => ({
            ...slot,
            subject: `${n}/${index}`,
          })),
        })),
      ),
    );

    expect(taken.flatMap((revision) => revision?.taken ?? [])).toHaveLength(5);
    expect(await stores[0]?.open()).toHaveLength(5);
    await Promise.all(databases.map(async (db) => db.destroy()));
    await broker.restart();
  });

  it('is for administrators, over spans that there are', async () => {
    expect((await call('GET', '/api/capacity/pre-warm', { user: 'rosa' })).status).toBe(403);
    expect((await call('GET', '/api/capacity/pre-warm?days=3')).status).toBe(422);
  });
});
