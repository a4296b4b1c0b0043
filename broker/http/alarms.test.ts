import { alarmListSchema, type AlarmList, type AuditEvent, type EntityStatus } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectStorageNode } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const answered = { at: '2026-01-01T00:00:00.000Z', isReachable: true, words: 'It answers', ms: 1 };
const status: EntityStatus = {
  ...{ title: 'PACS', failures: 0, receivedObjects: 0, receivedBytes: 0, bytesToday: 0, refusals: 0 },
  ...{ waiting: { forward: 0, priors: 0, commitment: 0 }, lastFailure: null },
  ...{
    lastRefusal: null,
    lastSeenAt: null,
    certificateEndsAt: null,
    quarantined: 0,
    priorsFetched: 0,
    failed: 0,
    echo: answered,
  },
};
const unreachable: EntityStatus = {
  ...status,
  failures: 2,
  echo: { ...answered, isReachable: false, words: 'Nothing listens there' },
};
const health = {
  ...{ diskBytes: 1e12, freeBytes: 5e11, reserveBytes: 1e9, objectStoreUp: null, spoolObjects: null },
  ...{ spoolStuck: null, copiesDamaged: null, copiesHealed: null, ingestSeconds: 0 },
};

describe('alarms', () => {
  const suite = new AsyncDisposableStack();
  let broker: TestBroker;
  let storage: Awaited<ReturnType<typeof connectStorageNode>>;

  beforeAll(async () => {
    broker = suite.use(await startTestBroker(suite.use(await startTestDatabase()), { alarmHoldMs: 150 }));
    storage = suite.use(await connectStorageNode(broker, []));
    storage.tellHealth(health);
    storage.tellEntities([status]);
    const body = { host: '10.0.0.5', port: 104, tls: 'off' };
    await broker.call('PUT', '/api/entities/PACS', { token: await broker.token('ada'), body });
  });
  afterAll(async () => suite.disposeAsync());

  const list = async (): Promise<AlarmList> => {
    const { body } = await broker.call('GET', '/api/alarms', { token: await broker.token('ada') });
    return alarmListSchema.parse(body);
  };
  const open = async (): Promise<string[]> =>
    (await list()).open.map(({ kind, subject }) => `${kind} ${subject}`).sort();
  const audit = async (): Promise<string[]> => {
    const token = await broker.token('ada');
    const { body } = await broker.call('GET', '/api/audit?action=alarm.changed', { token });
    return (body as { events: AuditEvent[] }).events
      .map(({ detail }) => detail.split(':')[0] ?? '')
      .reverse();
  };

  it('are raised once, with words, in the metrics, and are still the same after a restart of the broker', async () => {
    storage.tellEntities([unreachable]);
    await expect.poll(open).toEqual(['pacs-unreachable PACS']);
    expect((await list()).open[0]).toMatchObject({
      ...{ severity: 'critical', nodeId: 'storage-1', clearedAt: null },
      words: 'PACS cannot be reached from storage-1: Nothing listens there',
    });
    const { id } = (await list()).open[0] ?? {};

    await broker.restart();
    await expect.poll(async () => (await list()).open.map((alarm) => alarm.id)).toEqual([id]);
    storage.tellHealth({ ...health, freeBytes: 1e9 });
    await expect.poll(open).toEqual(['disk storage-1', 'pacs-unreachable PACS']);
    const metrics = await broker.call('GET', '/metrics', { token: await broker.token('ada') });
    expect(JSON.stringify(metrics.body)).toContain('pacs-unreachable');
  });

  it('stay while it is neither on nor off, and are cleared when it is over', async () => {
    storage.tellEntities([{ ...unreachable, failures: 1 }]);
    storage.tellHealth(health);
    await expect.poll(open).toEqual(['pacs-unreachable PACS']);

    storage.tellEntities([status]);
    await expect.poll(open).toEqual([]);
    expect((await list()).cleared.map(({ kind }) => kind)).toEqual(['pacs-unreachable', 'disk']);
    expect(await audit()).toEqual([
      'raised (pacs-unreachable)',
      'raised (disk)',
      'cleared (disk)',
      'cleared (pacs-unreachable)',
    ]);
  });

  it('end with the entity that they are of', async () => {
    storage.tellEntities([unreachable]);
    await expect.poll(open).toEqual(['pacs-unreachable PACS']);
    await broker.call('DELETE', '/api/entities/PACS', { token: await broker.token('ada') });

    await expect.poll(open).toEqual([]);
  });

  it.each<[TestUser]>([['rosa'], ['dirk']])('are not shown to %s', async (user) => {
    expect((await broker.call('GET', '/api/alarms', { token: await broker.token(user) })).status).toBe(403);
  });
});
