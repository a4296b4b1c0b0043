import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AuditEvent, Ruling, StudySummary } from '@medusa/protocol';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const study = testStudy(1);
const { studyInstanceUID } = study;
const ruling = (kind: Ruling['kind'], at: string): Ruling => ({
  ...{ studyInstanceUID, kind, at, by: 'retention: research', reason: 'its retention period was over' },
});

describe('retention at storage nodes', () => {
  const suite = new AsyncDisposableStack();
  const asked: { method: string; url: string; body: string; claims: unknown }[] = [];
  let broker: TestBroker;
  let storage: Awaited<ReturnType<typeof connectStorageNode>>;
  beforeAll(async () => {
    broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
    const tls = { cert: broker.secrets.certificate, key: broker.secrets.key };
    const server = createServer(tls, (req, res) => {
      const { method = '', url = '' } = req;
      const claims = decodeJwt((req.headers.authorization ?? '').slice('Bearer '.length));
      let body = '';
      req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      req.on('end', () => {
        asked.push({ method, url, body, claims });
        const isList = url === '/retention/due' || url === '/retention/held';
        res.end(JSON.stringify(isList ? { studies: [], total: 0 } : { isHeld: true, rulings: [] }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    suite.defer(async () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
    const { port } = server.address() as AddressInfo;
    storage = suite.use(await connectStorageNode(broker, [study], `https://127.0.0.1:${port}/dicomweb`));
  });
  afterAll(async () => suite.disposeAsync());

  const call = async (
    method: string,
    path: string,
    { user = 'ada', body }: { user?: TestUser; body?: unknown } = {},
  ): Promise<{ status: number; body: unknown }> =>
    broker.call(method, path, { token: await broker.token(user), ...(body !== undefined && { body }) });
  const audit = async (action: string): Promise<AuditEvent[]> =>
    ((await call('GET', `/api/audit?action=${action}`)).body as { events: AuditEvent[] }).events;
  const listed = async (): Promise<readonly StudySummary[]> =>
    ((await call('GET', '/api/studies', { user: 'rosa' })).body as { studies: StudySummary[] }).studies;

  it('is changed by administrators, each time with a reason and a line that says who', async () => {
    const path = `/api/studies/${studyInstanceUID}/retention`;
    expect(await call('POST', `${path}/hold`, { body: { reason: 'case 4711' } })).toEqual({
      status: 200,
      body: { isHeld: true, rulings: [] },
    });
    expect((await call('POST', `${path}/hold`, { body: { reason: ' ' } })).status).toBe(422);
    expect((await call('POST', `${path}/unhold`, { user: 'rosa', body: { reason: 'x' } })).status).toBe(403);
    expect((await call('GET', path)).status).toBe(200);
    expect((await call('GET', '/api/nodes/storage-1/retention/due')).body).toEqual({ studies: [], total: 0 });
    expect((await call('GET', '/api/nodes/nowhere/retention/due')).status).toBe(404);
    expect((await call('GET', '/api/nodes/storage-1/retention/held')).body).toEqual({
      studies: [],
      total: 0,
    });
    expect((await call('GET', '/api/nodes/storage-1/retention/held', { user: 'rosa' })).status).toBe(403);

    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `POST /retention/studies/${studyInstanceUID}/hold`,
      `GET /retention/studies/${studyInstanceUID}`,
      'GET /retention/due',
      'GET /retention/held',
    ]);
    expect(asked[0]).toMatchObject({ body: '{"reason":"case 4711"}', claims: { permission: 'admin' } });
    expect(await audit('retention.changed')).toMatchObject([
      { objectId: studyInstanceUID, outcome: 'success', detail: '{"act":"hold","reason":"case 4711"}' },
    ]);
  });

  it('takes what was removed off the worklist, unless something came later, and audits it', async () => {
    expect(await listed()).toHaveLength(1);
    await storage.tellRulings([ruling('removed', '2000-01-01T00:00:00.000Z')]);
    expect(await listed()).toHaveLength(1);

    await storage.tellRulings([ruling('removed', study.lastReceivedAt)]);
    expect(await listed()).toEqual([]);
    expect(await audit('study.removed')).toMatchObject([
      { objectId: studyInstanceUID, actorName: 'retention: research' },
      {},
    ]);
  });
});
