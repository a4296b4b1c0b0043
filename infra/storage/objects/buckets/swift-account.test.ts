import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHttpClient, type HttpClient } from './http-client.ts';
import { openSwiftAccount, type SwiftSettings } from './swift-account.ts';

type Answer = { token: { expires_at: string; catalog: object[] } };
const never = new AbortController().signal;
const hourMs = 60 * 60 * 1000;
const objectStore = {
  type: 'object-store',
  name: 'swift',
  endpoints: ['RegionOne', 'RegionTwo'].flatMap((region) =>
    ['admin', 'internal', 'public'].map((face) => ({
      id: `${region}-${face}`,
      interface: face,
      region_id: region,
      region,
      url: `http://${region.toLowerCase()}.test/${face}/v1/AUTH_1`,
    })),
  ),
};

/** Keystone, as far as it answered when it was recorded; only its catalogue is longer here. */
describe('a token of Keystone', () => {
  let server: Server;
  let http: HttpClient;
  let recorded: Answer;
  let asked: unknown[];
  let status: number;
  beforeEach(async () => {
    const file = new URL(
      '../../../../broker/provision/drivers/openstack/recorded/identity.json',
      import.meta.url,
    );
    const answers = JSON.parse(await readFile(file, 'utf8')) as Record<string, { body: Answer }>;
    const answer = answers['POST /v3/auth/tokens 201']?.body;
    if (!answer) throw new Error('Nothing was recorded');
    const { token } = answer;
    const expires_at = new Date(Date.now() + hourMs).toISOString();
    recorded = { token: { ...token, expires_at, catalog: [...token.catalog, objectStore] } };
    asked = [];
    status = 201;
    server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        asked.push(JSON.parse(Buffer.concat(chunks).toString()));
        const isThere = req.method === 'POST' && req.url === '/v3/auth/tokens';
        res.writeHead(isThere ? status : 404, { 'x-subject-token': `token-${asked.length}` });
        res.end(JSON.stringify(recorded));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    http = openHttpClient({ silenceMs: 5_000 });
  });
  afterEach(async () => {
    http[Symbol.dispose]();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const settings = (given: Partial<SwiftSettings> = {}): SwiftSettings => ({
    authUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3/`,
    container: 'images',
    user: 'medusa',
    secret: 'very secret',
    project: 'hospital',
    domain: 'Default',
    ...given,
  });

  it('is asked for once by all who wait, and used until it is refused', async () => {
    const account = openSwiftAccount(settings(), http);

    const [first, second] = await Promise.all([account.access(never), account.access(never)]);
    const third = await account.access(never);
    account.refuse(third);
    const fourth = await account.access(never);

    expect(first).toEqual({ token: 'token-1', storageUrl: 'http://regionone.test/public/v1/AUTH_1' });
    expect([second, third]).toEqual([first, first]);
    expect(fourth.token).toBe('token-2');
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'medusa', domain: { name: 'Default' }, password: 'very secret' } },
        },
        scope: { project: { name: 'hospital', domain: { name: 'Default' } } },
      },
    });
  });

  it('comes for an application credential, and leads to the region that is named', async () => {
    const account = openSwiftAccount(settings({ project: undefined, region: 'RegionTwo' }), http);

    const { storageUrl } = await account.access(never);

    expect(storageUrl).toBe('http://regiontwo.test/public/v1/AUTH_1');
    const application_credential = { id: 'medusa', secret: 'very secret' };
    expect(asked).toEqual([
      { auth: { identity: { methods: ['application_credential'], application_credential } } },
    ]);
  });

  it('is renewed before it ends', async () => {
    recorded.token.expires_at = new Date(Date.now() + 30_000).toISOString();
    const account = openSwiftAccount(settings(), http);

    await account.access(never);
    await account.access(never);

    expect(asked).toHaveLength(2);
  });

  it('that is not given, or leads nowhere, is told without the secret', async () => {
    status = 401;
    const refusedError = await openSwiftAccount(settings(), http)
      .access(never)
      .catch((error: unknown) => error);
    status = 201;
    const lost = await openSwiftAccount(settings({ region: 'nowhere' }), http)
      .access(never)
      .catch((error: unknown) => error);

    expect([refusedError, lost]).toEqual([
      expect.objectContaining({ code: 'storage.unreachable' }),
      expect.objectContaining({ code: 'storage.unreachable' }),
    ]);
    expect(JSON.stringify([refusedError, lost, String(refusedError), String(lost)])).not.toContain('secret');
  });
});
