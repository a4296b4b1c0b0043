import { poolViewSchema, provisionPlanSchema, whatIfAnswerSchema, type PoolView } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openDatabase } from '../persistence/index.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

let database: TestDatabase;
let broker: TestBroker;
beforeAll(async () => {
  database = await startTestDatabase();
  broker = await startTestBroker(database);
});
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function call(
  method: string,
  path: string,
  { body, user = 'ada' }: { body?: unknown; user?: TestUser } = {},
) {
  return broker.call(method, path, {
    token: await broker.token(user),
    ...(body === undefined ? {} : { body }),
  });
}

const minuteMs = 60_000;

/** Sessions of the last days: each began so many minutes ago and held its slot so long; null: it runs, `failed`: it never had a picture. */
async function record(
  sessions: readonly { ago: number; held: number | null; failed?: boolean }[],
): Promise<void> {
  const db = await openDatabase(broker.databaseUrl, () => undefined);
  const now = Date.now();
  const at = (ms: number): string => new Date(ms).toISOString();
  const rows = sessions.map(({ ago, held, failed }, index) => {
    const createdMs = now - ago * minuteMs;
    const document = {
      mode: 'streamed',
      streamingAt: failed ? null : at(createdMs),
      closedAt: held === null ? null : at(createdMs + held * minuteMs),
    };
    return {
      ...{
        id: `recorded-${index}`,
        state: 'closed',
        owner_id: 'rosa',
        node_id: 'gone',
        study_instance_uid: '1.2',
      },
      ...{ created_at: at(createdMs), document: JSON.stringify(document) },
    };
  });
  await db.insertInto('session').values(rows).execute();
  await db.destroy();
}

async function pool(): Promise<PoolView> {
  const { body } = await call('GET', '/api/pools');
  const [only] = z.object({ pools: z.array(poolViewSchema) }).parse(body).pools;
  if (!only) throw new Error('There is no pool');
  return only;
}

describe('capacity', () => {
  it('answers what would have become of the recorded sessions', async () => {
    // Three at once for half an hour, one that runs since ten minutes, one that failed.
    await record([
      { ago: 600, held: 30 },
      { ago: 599, held: 30 },
      { ago: 598, held: 30 },
      { ago: 10, held: null },
      { ago: 5, held: 0, failed: true },
    ]);

    const { status, body } = await call('POST', '/api/capacity/what-if', {
      body: {
        ...{ arrivals: { kind: 'recorded', days: 1 }, nodes: { from: 1, to: 3 }, slotsPerNode: 1 },
        ...{ pricePerNodeHour: 2, promiseSeconds: 60, breachShare: 0.01 },
      },
    });

    expect(status).toBe(200);
    const { load, points, suggestedNodes } = whatIfAnswerSchema.parse(body);
    expect(load.arrivals).toBe(4);
    expect(load.meanHoldSeconds).toBeCloseTo(1_500, -1);
    // On one node the second waits 29 minutes and the third 58.
    expect(points.map(({ replay }) => [replay.breaches, Math.round(replay.cost)])).toEqual([
      [2, 48],
      [1, 96],
      [0, 144],
    ]);
    expect(points[0]?.replay.waitP95).toBeCloseTo(58 * 60, -1);
    expect(suggestedNodes).toBe(3);
  });

  it('puts a schedule onto a pool, after its plan was seen', async () => {
    const { id, policy } = await pool();
    // Of a day that is neither today nor tomorrow: no node is started here.
    const day = ((new Date().getUTCDay() + 3) % 7) + 1;
    const schedule = [{ days: [day], from: '08:00', to: '17:00', min: 3 }];
    const body = { min: 0, schedule, timeZone: 'Europe/Berlin' };

    const planned = await call('PUT', `/api/capacity/schedules/${id}?dryRun=true`, { body });
    expect(provisionPlanSchema.parse(planned.body).steps).toEqual([]);
    expect((await pool()).policy).toEqual(policy);
    const changed = await call('PUT', `/api/capacity/schedules/${id}`, { body });

    expect(poolViewSchema.parse(changed.body).policy).toEqual({
      ...policy,
      ...{ min: 0, max: 3, schedule, timeZone: 'Europe/Berlin' },
    });
    const { body: audit } = await call('GET', '/api/audit?action=pool.changed&limit=1');
    expect(audit).toMatchObject({ events: [{ actorId: 'ada', objectId: id, outcome: 'success' }] });
  });

  it.each([
    ['a zone that is none', { timeZone: 'Mars/Olympus' }, 422],
    ['days without end', { arrivals: { kind: 'recorded', days: 400 } }, 422],
    ['nodes without slots', { slotsPerNode: 0 }, 422],
  ])('refuses %s', async (_what, wrong, status) => {
    const body = { arrivals: { kind: 'recorded' }, nodes: { from: 1, to: 2 }, slotsPerNode: 1, ...wrong };

    expect(await call('POST', '/api/capacity/what-if', { body })).toMatchObject({ status });
  });

  it('is for administrators, and for pools that there are', async () => {
    const body = { min: 0, schedule: [], timeZone: 'UTC' };

    expect((await call('PUT', '/api/capacity/schedules/nowhere', { body })).status).toBe(404);
    expect((await call('PUT', '/api/capacity/schedules/render', { body, user: 'rosa' })).status).toBe(403);
    expect((await call('POST', '/api/capacity/what-if', { body: {}, user: 'rosa' })).status).toBe(403);
  });
});
