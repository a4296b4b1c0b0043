import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AuditEvent, QuarantinedObject } from '@medusa/protocol';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectStorageNode } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';

const id = 'a'.repeat(64);
const object: QuarantinedObject = {
  id,
  sha256: 'b'.repeat(64),
  state: 'held',
  reason: 'its preamble is that of another file: ELF program',
  receivedAt: '2026-01-02T10:00:00.000Z',
  receivedFrom: 'CT_1',
  bytes: 1_000,
  sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUID: '1.2.3',
  times: 2,
};
const path = '/api/nodes/storage-1/quarantine';

describe('the quarantine of a storage node', () => {
  const suite = new AsyncDisposableStack();
  const asked: { method: string; url: string; claims: unknown }[] = [];
  let known: QuarantinedObject[] = [];
  let broker: TestBroker;
  let storage: Awaited<ReturnType<typeof connectStorageNode>>;

  beforeAll(async () => {
    broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
    const tls = { cert: broker.secrets.certificate, key: broker.secrets.key };
    const server = createServer(tls, (req, res) => {
      const { method = '', url = '' } = req;
      asked.push({
        method,
        url,
        claims: decodeJwt((req.headers.authorization ?? '').slice('Bearer '.length)),
      });
      if (url === '/quarantine') res.end(JSON.stringify({ objects: known, total: known.length }));
      else if (known.length === 0) res.writeHead(404).end(JSON.stringify(unknownObject));
      else if (method === 'POST') res.end(JSON.stringify({ outcome: 'stored' }));
      else res.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    suite.defer(async () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
    const { port } = server.address() as AddressInfo;
    storage = suite.use(await connectStorageNode(broker, [], `https://127.0.0.1:${port}/dicomweb`));
  });
  beforeEach(() => {
    known = [object];
    asked.length = 0;
  });
  afterAll(async () => suite.disposeAsync());

  const call = async (
    method: string,
    of: string,
    user: TestUser = 'ada',
  ): Promise<{ status: number; body: unknown }> =>
    broker.call(method, of, { token: await broker.token(user) });
  const audit = async (action: string): Promise<AuditEvent[]> =>
    ((await call('GET', `/api/audit?action=${action}`)).body as { events: AuditEvent[] }).events;

  it('is read with a token that is for nothing else, and that is audited', async () => {
    expect(await call('GET', path)).toEqual({ status: 200, body: { objects: [object], total: 1 } });

    expect(asked).toMatchObject([
      {
        method: 'GET',
        url: '/quarantine',
        claims: { study: '*', permission: 'admin', aud: 'medusa-storage' },
      },
    ]);
    expect(await audit('quarantine.read')).toMatchObject([{ objectId: 'storage-1', outcome: 'success' }]);
  });

  it('lets an administrator release and delete, each with a line that says who', async () => {
    const released = await call('POST', `${path}/${id}/release`);
    const deleted = await call('DELETE', `${path}/${id}`);

    expect(released).toEqual({ status: 200, body: { outcome: 'stored' } });
    expect(deleted).toMatchObject({ status: 200 });
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `POST /quarantine/${id}/release`,
      `DELETE /quarantine/${id}`,
    ]);
    const lines = await audit('quarantine.changed');
    expect(lines.map(({ detail }) => (JSON.parse(detail) as { act: string }).act)).toEqual([
      'delete',
      'release',
    ]);
    expect(lines).toMatchObject([{ objectType: 'quarantine', objectId: id, outcome: 'success' }, {}]);
    expect(lines[0]?.actorName).not.toBe('');
  });

  it('passes on what the node says is not there, and audits the attempt', async () => {
    known = [];

    expect(await call('DELETE', `${path}/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'object.unknown' },
    });

    expect((await audit('quarantine.changed'))[0]).toMatchObject({ outcome: 'failure', objectId: id });
  });

  it.each<[TestUser]>([['rosa'], ['dirk']])('is not open to %s', async (user) => {
    expect((await call('GET', path, user)).status).toBe(403);
    expect((await call('POST', `${path}/${id}/release`, user)).status).toBe(403);
    expect((await call('DELETE', `${path}/${id}`, user)).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it('is not looked for at a node there is not, nor under a name that is no hash', async () => {
    expect((await call('GET', '/api/nodes/nowhere/quarantine')).status).toBe(404);
    expect((await call('DELETE', `${path}/..%2f..%2fdicomweb`)).status).toBe(422);
    expect(asked).toEqual([]);
  });

  it('has a line in the audit trail for every object that comes into it', async () => {
    const { reason, receivedAt, receivedFrom } = object;
    expect(await storage.tellQuarantined([{ id, reason, receivedAt, receivedFrom }])).toEqual({
      ok: true,
      value: null,
    });

    expect(await audit('object.quarantined')).toMatchObject([
      {
        actorId: 'CT_1',
        objectType: 'object',
        objectId: id,
        detail: expect.stringContaining(reason) as unknown,
      },
    ]);
  });
});

const unknownObject = {
  type: 'urn:medusa:problem:object.unknown',
  title: 'There is no such DICOM object',
  status: 404,
  code: 'object.unknown',
  retry: false,
};
