import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { launchResponseSchema, type AuditEvent } from '@medusa/protocol';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';
import { waitFor } from '../support/wait.ts';

type Seen = {
  readonly method: string;
  readonly url: string;
  readonly claims: unknown;
  readonly body: string;
};

const suite = new AsyncDisposableStack();
const seen: Seen[] = [];
let broker: TestBroker;
let storageUrl: string;

beforeAll(async () => {
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
  const server = createServer({ cert: broker.secrets.certificate, key: broker.secrets.key }, (req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      const claims = decodeJwt((req.headers.authorization ?? '').slice('Bearer '.length));
      seen.push({ method: req.method ?? '', url: req.url ?? '', claims, body });
      res.writeHead(200, { 'content-type': 'application/dicom+json', etag: '"1"', 'x-secret': 'stays' });
      res.end('[]');
    });
  });
  storageUrl = `https://127.0.0.1:${await listen(server)}/dicomweb`;
  suite.defer(async () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
});
afterAll(async () => suite.disposeAsync());

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function auditOf(query: string): Promise<AuditEvent[]> {
  const { body } = await broker.call('GET', `/api/audit?${query}`, { token: await broker.token('ada') });
  return (body as { events: AuditEvent[] }).events;
}

describe('health', () => {
  it('is 200 only when a study could be opened, and otherwise says what is missing', async () => {
    const health = async (): Promise<[number, unknown]> => {
      const { status, body } = await broker.call('GET', '/healthz');
      return [status, (body as { reason: string }).reason];
    };

    expect(await health()).toEqual([503, 'no storage node is connected']);
    const storage = await connectStorageNode(broker, [testStudy(1), testStudy(2)], storageUrl);
    suite.use(storage);
    expect(await health()).toEqual([503, 'there is no render node']);
    const node = await connectRenderNode(broker);
    expect(await health()).toEqual([200, 'ok']);
    const body = { studyInstanceUID: '1.2.3.1' };
    const launched = await broker.call('POST', '/api/sessions', { token: await broker.token('rosa'), body });
    const { id } = launchResponseSchema.parse(launched.body).session;
    expect(await health()).toEqual([503, 'all slots are taken']);
    await broker.call('DELETE', `/api/sessions/${id}`, { token: await broker.token('rosa') });
    expect(await health()).toEqual([200, 'ok']);
    node.disconnect();
    expect(
      await waitFor('the loss', async () => {
        const [status, reason] = await health();
        return String(reason).includes('lost') ? [status, reason] : undefined;
      }),
    ).toEqual([503, 'render node render-1 is lost: No heartbeat for 0.9 s']);
  });
});

/** Whatever the route makes of a made-up id: here it counts whether the caller gets past the door. */
async function tryAs(person: TestUser | undefined, method: string, path: string): Promise<number> {
  const made = { id: 'no-such-session', code: 'no-such-code', path: 'studies' };
  const at = path.replace(/\{(\w+)\}/g, (_all, name: string) => made[name as keyof typeof made]);
  const token = person === undefined ? {} : { token: await broker.token(person) };
  return (await broker.call(method, at, { ...token, ...(method === 'POST' ? { body: {} } : {}) })).status;
}

/** Where no roles are named, the study decides: 403 is the proxy's own answer then, and tested by itself. */
function isRefusal(status: number, roles: readonly string[] | undefined): boolean {
  return status === 401 || (status === 403 && roles !== undefined);
}

type OpenApi = { paths: Record<string, Record<string, { security?: unknown; 'x-medusa-roles'?: string[] }>> };

describe('access', () => {
  it('is as the route table says, for every route and every role, and for nobody', async () => {
    const { body } = await broker.call('GET', '/api/openapi.json');
    const routes = Object.entries((body as OpenApi).paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
    );
    expect(routes.length).toBeGreaterThan(18);
    const people: (TestUser | undefined)[] = [undefined, 'rosa', 'dirk', 'ada'];
    const roleOf: Record<string, string> = { rosa: 'radiologist', dirk: 'doctor', ada: 'admin' };
    const faults: string[] = [];

    for (const { path, method, operation } of routes) {
      for (const person of people) {
        const status = await tryAs(person, method, path);
        const roles = operation['x-medusa-roles'];
        const isPublic = operation.security === undefined;
        const isAllowed =
          isPublic || (person !== undefined && (roles?.includes(roleOf[person] ?? '') ?? true));
        if (isAllowed === isRefusal(status, roles))
          faults.push(`${method} ${path} as ${person ?? 'nobody'}: ${status}`);
      }
    }

    expect(faults).toEqual([]);
  });

  it.each(['/api/nothing', '/api/sessions/x/y', '/dicomweb'])(
    'to %s is a problem, not a page',
    async (path) => {
      expect(await broker.call('GET', path)).toMatchObject({ status: 404, body: { code: 'route.unknown' } });
    },
  );

  it('answers malformed and ill-shaped bodies by RFC 9457', async () => {
    const token = await broker.token('rosa');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const malformed = await fetch(`${broker.url}/api/sessions`, { method: 'POST', headers, body: '{' });
    const illShaped = await broker.call('POST', '/api/sessions', { token, body: { studyInstanceUID: 'x' } });

    expect([malformed.status, malformed.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    expect(illShaped).toMatchObject({ status: 422, body: { errors: [{ pointer: '/studyInstanceUID' }] } });
  });
});

describe('the pages', () => {
  it('come with strict headers, and any client route is the client', async () => {
    await mkdir(join(broker.dataDir, 'client/workstation'), { recursive: true });
    await writeFile(join(broker.dataDir, 'client/index.html'), '<p>client</p>');
    await writeFile(join(broker.dataDir, 'client/workstation/index.html'), '<p>workstation</p>');
    const page = async (path: string): Promise<Response> =>
      fetch(`${broker.url}${path}`, { headers: { accept: 'text/html' } });

    const deep = await page('/sessions/abc');
    expect(await deep.text()).toBe('<p>client</p>');
    expect(await (await page('/workstation/?study=1')).text()).toBe('<p>workstation</p>');
    expect((await page('/assets/missing.js')).status).toBe(404);
    expect(Object.fromEntries(deep.headers)).toMatchObject({
      'content-security-policy': expect.stringContaining("script-src 'self' 'wasm-unsafe-eval'") as string,
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(deep.headers.get('content-security-policy')).toContain("frame-ancestors 'self'");
  });
});

describe('the device check', () => {
  it('gets as many bytes as it asks for, and more than a script’s worth only after login', async () => {
    const size = async (bytes: number, token?: string): Promise<number> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await fetch(`${broker.url}/api/device-check/payload?bytes=${bytes}`, { headers });
      const { byteLength } = await answer.arrayBuffer();
      return answer.ok ? byteLength : answer.status;
    };

    expect(await size(100_000)).toBe(100_000);
    expect(await size(3_000_000)).toBe(401);
    expect(await size(3_000_000, await broker.token('dirk'))).toBe(3_000_000);
    expect(await size(17 * 1024 * 1024, await broker.token('dirk'))).toBe(422);
  });
});

describe('DICOMweb', () => {
  it('passes a radiologist through with a token for that one study, and audits once a minute', async () => {
    const token = await broker.token('rosa');
    for (let frame = 1; frame <= 20; frame += 1) {
      const path = `/dicomweb/studies/1.2.3.1/series/1/instances/1/frames/${frame}?x=1`;
      expect((await broker.call('GET', path, { token })).status).toBe(200);
    }

    expect(seen.at(-1)).toMatchObject({
      url: '/dicomweb/studies/1.2.3.1/series/1/instances/1/frames/20?x=1',
      claims: { sub: 'rosa', aud: 'medusa-storage', study: '1.2.3.1', permission: 'read' },
    });
    const lines = (await auditOf('action=study.read&actor=rosa&object=1.2.3.1')).filter(
      ({ detail }) => detail === 'dicomweb',
    );
    // Two when the minute turned in between.
    expect([1, 2]).toContain(lines.length);
  });

  it('stores what a radiologist sends, and nothing from a doctor', async () => {
    const token = await broker.token('rosa');
    const stored = await broker.call('POST', '/dicomweb/studies', { token, body: { a: 'b' } });
    const refused = await broker.call('POST', '/dicomweb/studies', {
      token: await broker.token('dirk'),
      body: {},
    });

    expect(stored.status).toBe(200);
    expect(seen.at(-1)).toMatchObject({
      method: 'POST',
      body: '{"a":"b"}',
      claims: { permission: 'write', study: '*' },
    });
    expect(refused.status).toBe(403);
  });

  it('opens one study to an invited doctor, as long as the session lives', async () => {
    suite.use(await connectRenderNode(broker, { id: 'render-2' }));
    const token = await broker.token('rosa');
    const doctor = await broker.token('dirk');
    const ask = async (path: string): Promise<number> =>
      (await broker.call('GET', `/dicomweb/${path}`, { token: doctor })).status;
    const launched = await broker.call('POST', '/api/sessions', {
      token,
      body: { studyInstanceUID: '1.2.3.1' },
    });
    const { id } = launchResponseSchema.parse(launched.body).session;
    const invited = await broker.call('POST', `/api/sessions/${id}/invitations`, { token, body: {} });
    expect(await ask('studies/1.2.3.1/series')).toBe(403);

    await broker.call('POST', `/api/invitations/${(invited.body as { code: string }).code}/accept`, {
      token: doctor,
      body: {},
    });

    expect(await ask('studies/1.2.3.1/series')).toBe(200);
    expect(await ask('studies/1.2.3.2/series')).toBe(403);
    expect(await ask('studies')).toBe(403);
    await broker.call('DELETE', `/api/sessions/${id}`, { token });
    expect(await ask('studies/1.2.3.1/series')).toBe(403);
  });

  it.each(['..%2f..%2fadmin', '..%2F1.2.3.2', '%2e%2e/1.2.3.2/series'])(
    'does not let %s out of the study',
    async (tail) => {
      const token = await broker.token('rosa');
      const before = seen.length;
      // A raw request: fetch would tidy the path up.
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${broker.url}/`, {
          path: `/dicomweb/studies/1.2.3.1/${tail}`,
          headers: { authorization: `Bearer ${token}` },
        });
        asked.once('response', (answer) => resolve(answer.resume().statusCode));
        asked.once('error', reject).end();
      });

      expect([status, seen.length]).toEqual([404, before]);
    },
  );
});

describe('the worklist', () => {
  it('is searched by words, date and modality, page by page', async () => {
    const search = async (query: string): Promise<unknown> => {
      const { body } = await broker.call('GET', `/api/studies?${query}`, {
        token: await broker.token('rosa'),
      });
      const { studies, total } = body as { studies: { studyInstanceUID: string }[]; total: number };
      return [total, studies.map(({ studyInstanceUID }) => studyInstanceUID)];
    };

    expect(await search('')).toEqual([2, ['1.2.3.2', '1.2.3.1']]);
    expect(await search('limit=1&offset=1')).toEqual([2, ['1.2.3.1']]);
    expect(await search('text=jane+p2')).toEqual([1, ['1.2.3.2']]);
    expect(await search('text=%25')).toEqual([0, []]);
    expect(await search('modality=MR')).toEqual([0, []]);
    expect(await search('dateTo=20260101')).toEqual([1, ['1.2.3.1']]);
  });

  it('tells a storage node from where to go on', async () => {
    await using again = await connectStorageNode(broker, [], storageUrl);

    expect(again.sinceChange).toBe(2);
  });
});

describe('the audit trail', () => {
  it('records a refusal with who, what and where', async () => {
    await broker.call('GET', '/api/audit', { token: await broker.token('dirk') });

    expect((await auditOf('action=access.refused&actor=dirk&object=/api/audit'))[0]).toMatchObject({
      outcome: 'refused',
      actorName: 'Dirk Doctor',
      actorAddress: expect.stringContaining('127.0.0.1') as string,
      objectId: '/api/audit',
      detail: 'access.refused GET',
    });
  });

  it('is read page by page, and reading is on record', async () => {
    const [first, second] = await auditOf('limit=2');
    const [next] = await auditOf(`limit=1&before=${second?.sequence ?? 0}`);

    expect(first?.action).toBe('audit.read');
    expect(next?.sequence).toBe((second?.sequence ?? 0) - 1);
  });

  it('is chained, and what was written can be neither changed nor deleted nor emptied', async () => {
    const verify = async (): Promise<unknown> =>
      (await broker.call('GET', '/api/audit/verification', { token: await broker.token('ada') })).body;
    const db = new pg.Client({ connectionString: broker.databaseUrl });
    await db.connect();
    try {
      for (const change of [
        "update audit_event set detail = 'x'",
        'delete from audit_event',
        'truncate audit_event',
      ])
        await expect(db.query(change)).rejects.toThrow('append-only');
      expect(await verify()).toMatchObject({ kind: 'intact' });

      await db.query('alter table audit_event disable trigger all');
      await db.query("update audit_event set actor_id = 'somebody' where sequence = 3");
      expect(await verify()).toEqual({ kind: 'broken', sequence: 3, reason: 'its hash does not fit' });
    } finally {
      await db.end();
    }
  });
});

describe('metrics', () => {
  it('count nodes and requests, by the pattern of the route', async () => {
    const { body } = await broker.call('GET', '/metrics');

    expect(body).toContain('medusa_nodes{kind="storage",state="ready"} 1');
    expect(body).toContain('route="/api/sessions/:id"');
    expect(body).not.toContain('1.2.3.1');
  });
});
