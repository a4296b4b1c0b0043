import {
  entityListSchema,
  entityViewSchema,
  signedCertificateSchema,
  type AuditEvent,
  type EntityStatus,
} from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectStorageNode } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const pacs = { host: '10.0.0.5', port: 104, tls: 'off', may: ['query', 'retrieve'] };
const status: EntityStatus = {
  ...{
    title: 'PACS',
    echo: null,
    failures: 0,
    receivedObjects: 0,
    receivedBytes: 0,
    bytesToday: 0,
    refusals: 0,
  },
  ...{ waiting: { forward: 0, priors: 0, commitment: 0 }, lastFailure: null },
  ...{
    lastRefusal: null,
    lastSeenAt: null,
    certificateEndsAt: null,
    quarantined: 0,
    priorsFetched: 0,
    failed: 0,
  },
};

describe('the registry of application entities', () => {
  const suite = new AsyncDisposableStack();
  let broker: TestBroker;
  let storage: Awaited<ReturnType<typeof connectStorageNode>>;

  beforeAll(async () => {
    broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
    storage = suite.use(await connectStorageNode(broker, []));
    storage.tellEntities([]);
  });
  afterAll(async () => suite.disposeAsync());

  const call = async (
    method: string,
    path: string,
    options: { body?: unknown; user?: TestUser } = {},
  ): Promise<{ status: number; body: unknown }> =>
    broker.call(method, path, { token: await broker.token(options.user ?? 'ada'), body: options.body });
  const list = async (): Promise<ReturnType<typeof entityListSchema.parse>> =>
    entityListSchema.parse((await call('GET', '/api/entities')).body);

  it('is told to storage nodes as soon as it changes, and audited', async () => {
    await expect.poll(() => storage.registries.at(-1)).toMatchObject({ revision: 0, entities: {} });

    const put = await call('PUT', '/api/entities/PACS', { body: pacs });

    expect(entityViewSchema.parse(put.body)).toMatchObject({
      title: 'PACS',
      wish: { ...pacs, isProbed: true, priors: null },
      changedBy: expect.stringMatching(/./) as unknown,
    });
    await expect
      .poll(() => storage.registries.at(-1))
      .toMatchObject({ revision: 1, entities: { PACS: { host: '10.0.0.5' } } });
    await expect
      .poll(async () => (await list()).nodes)
      .toMatchObject([{ nodeId: 'storage-1', isCurrent: true }]);
    const audit = await call('GET', '/api/audit?action=entity.changed');
    const [line] = (audit.body as { events: AuditEvent[] }).events;
    expect(line).toMatchObject({ objectType: 'entity', objectId: 'PACS', outcome: 'success' });
  });

  it('shows what storage nodes see: listed and not', async () => {
    storage.tellEntities([
      { ...status, refusals: 2, lastRefusal: 'plaintext' },
      { ...status, title: 'STRANGER', refusals: 1 },
    ]);

    await expect
      .poll(async () => (await list()).entities[0]?.nodes)
      .toMatchObject([{ nodeId: 'storage-1', refusals: 2, lastRefusal: 'plaintext' }]);
    expect((await list()).strangers).toMatchObject([{ nodeId: 'storage-1', title: 'STRANGER' }]);
  });

  it('adds up what came by the minute, also when a node counts anew', async () => {
    const told = async (objects: number): Promise<void> => {
      storage.tellEntities([{ ...status, receivedObjects: objects, receivedBytes: objects * 10 }]);
      await expect.poll(async () => (await list()).entities[0]?.nodes[0]?.receivedObjects).toBe(objects);
    };
    await told(4);
    await told(7);
    await told(2);

    const rates = (await list()).entities[0]?.rates ?? [];
    expect(rates).toHaveLength(120);
    // From 0 to 4, to 7, and 2 after the restart.
    expect(rates.reduce((sum, { objects }) => sum + objects, 0)).toBe(9);
    expect(rates.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(90);
  });

  it('is asked by C-ECHO now, with the answer in words', async () => {
    expect(await call('POST', '/api/entities/PACS/echo')).toMatchObject({
      status: 200,
      body: { results: [{ nodeId: 'storage-1', isReachable: true, words: 'It answers, without TLS' }] },
    });
    expect(await call('POST', '/api/entities/NOBODY/echo')).toMatchObject({
      status: 404,
      body: { code: 'entity.unknown' },
    });
  });

  it('has certificates signed and revoked by the storage node of choice, and audited', async () => {
    const label = 'CERTIFICATE REQUEST';
    const request = `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----`;
    const sign = { nodeId: 'storage-1', request, hosts: ['pacs.example'] };

    const signed = signedCertificateSchema.parse(
      (await call('POST', '/api/entities/PACS/certificates', { body: sign })).body,
    );
    const { certificate } = signed;
    const revoke = { nodeId: 'storage-1', certificate };
    expect(await call('POST', '/api/entities/PACS/revocations', { body: revoke })).toMatchObject({
      status: 200,
    });

    expect(storage.certificateCommands).toEqual([
      { sign: { title: 'PACS', request, hosts: ['pacs.example'] } },
      { revoke: { title: 'PACS', certificate } },
    ]);
    const audit = await call('GET', '/api/audit?action=certificate.changed');
    expect((audit.body as { events: AuditEvent[] }).events).toMatchObject([
      { objectType: 'certificate', objectId: 'PACS', outcome: 'success' },
      { objectType: 'certificate', objectId: 'PACS', outcome: 'success' },
    ]);
    for (const [path, body, status] of [
      ['NOBODY/certificates', sign, 404],
      ['PACS/certificates', { ...sign, nodeId: 'storage-9' }, 502],
      ['PACS/certificates', { ...sign, request: 'none' }, 422],
      ['PACS/certificates', { ...sign, hosts: ['a b'] }, 422],
      ['PACS/revocations', { ...revoke, certificate: request }, 422],
    ] as const)
      expect(await call('POST', `/api/entities/${path}`, { body })).toMatchObject({ status });
    expect(await call('POST', '/api/entities/PACS/certificates', { body: sign, user: 'rosa' })).toMatchObject(
      { status: 403 },
    );
    expect(storage.certificateCommands).toHaveLength(2);
  });

  it('outlives the broker, and reaches a node that was away', async () => {
    await broker.restart();
    await expect
      .poll(async () => (await list()).nodes)
      .toMatchObject([{ isConnected: true, isCurrent: true }]);

    expect(await call('PUT', '/api/entity-policy', { body: { unlisted: 'refused' } })).toMatchObject({
      status: 200,
    });
    await expect.poll(() => storage.registries.at(-1)).toMatchObject({ revision: 2, unlisted: 'refused' });
  });

  it('sends nothing on to who has no address, and lets nobody go who is sent to', async () => {
    const sender = { tls: 'off', may: ['store'], forwardTo: ['PACS'] };
    const refused = await call('PUT', '/api/entities/CT_1', { body: { ...sender, forwardTo: ['NOBODY'] } });
    expect(refused).toMatchObject({ status: 409, body: { code: 'entity.conflict' } });

    expect((await call('PUT', '/api/entities/CT_1', { body: sender })).status).toBe(200);
    expect(await call('DELETE', '/api/entities/PACS')).toMatchObject({
      status: 409,
      body: { detail: 'CT_1 send on to it' },
    });
    expect((await call('DELETE', '/api/entities/CT_1')).status).toBe(200);
    expect((await call('DELETE', '/api/entities/PACS')).status).toBe(200);
    await expect.poll(() => storage.registries.at(-1)?.entities).toEqual({});
  });

  it.each<[string, Record<string, unknown>]>([
    ['a port without a host', { port: 104 }],
    ['a fingerprint that is none', { fingerprints: ['12:34'] }],
    ['priors of who has no address', { priors: { most: 3 } }],
    ['a member that is not known', { nonsense: true }],
  ])('does not take %s', async (_name, body) => {
    expect(await call('PUT', '/api/entities/CT_2', { body })).toMatchObject({
      status: 422,
      body: { code: 'request.invalid' },
    });
  });

  it.each<[TestUser]>([['rosa'], ['dirk']])('is not open to %s', async (user) => {
    expect((await call('GET', '/api/entities', { user })).status).toBe(403);
    expect((await call('PUT', '/api/entities/PACS', { body: pacs, user })).status).toBe(403);
    expect((await call('DELETE', '/api/entities/PACS', { user })).status).toBe(403);
    expect((await call('POST', '/api/entities/PACS/echo', { user })).status).toBe(403);
  });
});
