import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  poolViewSchema,
  providerViewSchema,
  resourceKindSchema,
  resourcePhaseSchema,
  resourceViewSchema,
  type ProvisionPlan,
  type Role,
} from '@medusa/protocol';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { Provisioning } from '../../provision/index.ts';
import { createHttpApp, provisionRoutes } from '../index.ts';

const at = '2026-01-01T00:00:00.000Z';
const zeros = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, 0]));
const provider = providerViewSchema.parse({
  id: 'cloud',
  kind: 'openstack',
  title: 'Cloud',
  settings: { url: 'https://cloud.test' },
  hasCredentials: true,
  isEnabled: true,
  capabilities: ['machines'],
  health: { state: 'reachable', reason: '', version: '1', latencyMs: 3, checkedAt: at },
  quotas: [],
  counts: zeros(resourceKindSchema.options),
});
const resource = resourceViewSchema.parse({
  ...{ id: 'scratch', provider: 'cloud', pool: null, spec: { kind: 'volume', sizeGiB: 5 } },
  ...{
    phase: 'planned',
    reason: '',
    isWanted: true,
    incarnation: 1,
    ref: null,
    addresses: [],
    waiting: null,
  },
  ...{ liveSessions: 0, nextTryAt: null, createdAt: at, changedAt: at },
});
const machine = { kind: 'machine', role: 'render', image: 'i', size: 's' };
const wantedPool = { providers: ['cloud'], machine, policy: { min: 1, max: 3 } };
const pool = poolViewSchema.parse({
  ...wantedPool,
  ...{ id: 'render', target: 1, targetReason: 'at least 1', counts: zeros(resourcePhaseSchema.options) },
  ...{ slots: { total: 1, used: 0 }, isBraked: false, outdated: 0 },
});
const plan: ProvisionPlan = { steps: [], warnings: ['what would be done'] };

const provisioning = {
  events: new TypedEmitter(() => undefined) satisfies Provisioning['events'],
  // A driver's careless extra field must not get out.
  providers: vi.fn(async () => [{ ...provider, credentials: { password: 'hunter2' } }]),
  putProvider: vi.fn<Provisioning['putProvider']>(async () => provider),
  removeProvider: vi.fn<Provisioning['removeProvider']>(async () => undefined),
  checkProvider: vi.fn<Provisioning['checkProvider']>(async () => provider),
  catalog: vi.fn(async () => ({ images: [], sizes: [], zones: ['a'], networks: [], volumeTypes: [] })),
  pools: vi.fn(async () => [pool]),
  putPool: vi.fn<Provisioning['putPool']>(async () => pool),
  removePool: vi.fn<Provisioning['removePool']>(async () => undefined),
  planPool: vi.fn<Provisioning['planPool']>(async () => plan),
  resources: vi.fn<Provisioning['resources']>(async () => [resource]),
  resource: vi.fn<Provisioning['resource']>(async () => resource),
  create: vi.fn<Provisioning['create']>(async () => resource),
  planCreate: vi.fn<Provisioning['planCreate']>(async () => plan),
  act: vi.fn<Provisioning['act']>(async () => resource),
  planAct: vi.fn<Provisioning['planAct']>(async () => plan),
  console: vi.fn<Provisioning['console']>(async () => ({ kind: 'text', text: 'booted' })),
  log: vi.fn<Provisioning['log']>(async () => []),
} satisfies Provisioning;
const record = vi.fn<AuditTrail['record']>(async () => undefined);
const changes = [
  provisioning.putProvider,
  provisioning.removeProvider,
  provisioning.putPool,
  provisioning.removePool,
  provisioning.create,
  provisioning.act,
];

let url: string;
let roles: readonly Role[] = ['admin'];
const suite = new AsyncDisposableStack();

beforeAll(async () => {
  const audit = { record, recordOncePerMinute: vi.fn(async () => undefined) } as unknown as AuditTrail;
  const definition = {
    ...{ kind: 'openstack' as const, title: 'OpenStack', open: vi.fn() },
    settingsSchema: z.strictObject({ url: z.url(), region: z.string().default('RegionOne') }),
    credentialsSchema: z.strictObject({ password: z.string() }),
  };
  const definitions = {
    openstack: async () => definition,
    ec2: async () => Promise.reject(new Error('its SDK is not installed')),
  };
  const user = { id: 'ada', name: 'Ada Admin', roles } as never;
  const actor = { id: 'ada', name: 'Ada Admin', address: '127.0.0.1' };
  const userCaller = async (): Promise<{ kind: 'user'; user: never; actor: typeof actor }> => ({
    ...{ kind: 'user', actor },
    user: { ...(user as object), roles } as never,
  });
  const app = createHttpApp({
    routes: provisionRoutes({ provisioning, audit, definitions }),
    authenticate: { user: userCaller, userOrStudyToken: userCaller },
    ...{ audit, log: pino({ level: 'silent' }), clientDir: '/nonexistent' },
    metrics: { observeRequest: () => undefined, read: async () => ({ contentType: '', text: '' }) },
    ...{ issuerOrigin: undefined, provider: undefined },
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  suite.defer(async () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => suite.disposeAsync());
beforeEach(() => {
  vi.clearAllMocks();
  roles = ['admin'];
});

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown; text: string }> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${url}${path}`, { method, headers, ...sent });
  const text = await answer.text();
  return { status: answer.status, body: JSON.parse(text) as unknown, text };
}

const putProvider = {
  kind: 'openstack',
  title: 'Cloud',
  settings: { url: 'https://cloud.test' },
  credentials: { password: 'hunter2' },
};
const created = { id: 'scratch', provider: 'cloud', spec: { kind: 'volume', sizeGiB: 5 } };

describe('providers', () => {
  it('come without their credentials, whatever provisioning answers', async () => {
    const { status, text } = await call('GET', '/api/providers');

    expect(status).toBe(200);
    expect(text).toContain('"hasCredentials":true');
    expect(text).not.toContain('hunter2');
  });

  it('are described kind by kind as JSON Schemas that a form can be made of', async () => {
    const { body } = await call('GET', '/api/providers/kinds');

    expect(body).toMatchObject({
      kinds: [
        {
          kind: 'openstack',
          settings: {
            type: 'object',
            properties: { url: { type: 'string', format: 'uri' }, region: { default: 'RegionOne' } },
            // With a default it may be left out.
            required: ['url'],
          },
          credentials: { required: ['password'] },
        },
      ],
    });
  });

  it('are changed in the name of who asked, and no secret reaches the audit trail', async () => {
    const { status, text } = await call('PUT', '/api/providers/cloud', putProvider);

    expect(status).toBe(200);
    expect(provisioning.putProvider).toHaveBeenCalledWith(
      'cloud',
      { ...putProvider, isEnabled: true },
      { actor: 'Ada Admin' },
    );
    expect(record).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ action: 'provider.changed', objectType: 'provider', objectId: 'cloud' }),
    );
    expect(JSON.stringify(record.mock.calls)).toContain('replaced');
    expect(JSON.stringify(record.mock.calls) + text).not.toContain('hunter2');
  });

  it('refuse a dry run, which they have not, instead of changing something', async () => {
    const put = await call('PUT', '/api/providers/cloud?dryRun=true', putProvider);
    const removed = await call('DELETE', '/api/providers/cloud?dryRun=true');

    expect([put.status, removed.status]).toEqual([422, 422]);
    for (const change of changes) expect(change).not.toHaveBeenCalled();
  });

  it('tell what they offer, and are asked for it with a signal', async () => {
    expect((await call('GET', '/api/providers/cloud/catalog')).body).toMatchObject({ zones: ['a'] });
    expect((await call('POST', '/api/providers/cloud/check')).status).toBe(200);
    expect(provisioning.checkProvider).toHaveBeenCalledWith('cloud', expect.any(AbortSignal));
  });
});

describe('a dry run', () => {
  it.each<[string, string, unknown]>([
    ['PUT', '/api/pools/render?dryRun=true', wantedPool],
    ['DELETE', '/api/pools/render?dryRun=true', undefined],
    ['POST', '/api/resources?dryRun=true', created],
    ['POST', '/api/resources/scratch/actions?dryRun=true', { action: 'replace' }],
  ])('of %s %s answers the plan, changes nothing and is no matter for the audit trail', async (...asked) => {
    const { status, body } = await call(...asked);

    expect([status, body]).toEqual([200, plan]);
    for (const change of changes) expect(change).not.toHaveBeenCalled();
    expect(record).not.toHaveBeenCalled();
  });

  it('of the removal of a pool is the plan for a pool that wants none', async () => {
    await call('DELETE', '/api/pools/render?dryRun=true');

    const [, wanted] = provisioning.planPool.mock.calls[0] ?? [];
    expect(wanted).toMatchObject({ providers: ['cloud'], policy: { min: 0, max: 0, schedule: [] } });
    expect(await call('DELETE', '/api/pools/nowhere?dryRun=true')).toMatchObject({
      status: 404,
      body: { code: 'pool.unknown' },
    });
  });

  it('must be said clearly', async () => {
    expect((await call('PUT', '/api/pools/render?dryRun=1', wantedPool)).status).toBe(422);
    expect((await call('PUT', '/api/pools/render?dryrun=true', wantedPool)).status).toBe(422);
    expect(provisioning.putPool).not.toHaveBeenCalled();
  });
});

describe('changes', () => {
  it.each([
    ['PUT', '/api/pools/render', wantedPool, 200, 'pool.changed', 'render'],
    ['DELETE', '/api/pools/render', undefined, 200, 'pool.changed', 'render'],
    ['POST', '/api/resources', created, 202, 'resource.changed', 'scratch'],
    ['POST', '/api/resources/scratch/actions', { action: 'detach' }, 202, 'resource.changed', 'scratch'],
    ['DELETE', '/api/providers/cloud', undefined, 200, 'provider.changed', 'cloud'],
  ])('by %s %s are made and audited once', async (...row) => {
    const [method, path, body, status, action, objectId] = row;
    const answer = await call(method, path, body);

    expect(answer.status).toBe(status);
    expect(changes.filter((change) => change.mock.calls.length > 0)).toHaveLength(1);
    expect(record).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ action, objectId }));
  });

  it('that fail are audited as failures, and answered as what they are', async () => {
    provisioning.act.mockRejectedValueOnce(new AppError('resource.conflict', 'It is attached to render-1'));

    const answer = await call('POST', '/api/resources/scratch/actions', { action: 'destroy' });

    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'resource.conflict', detail: 'It is attached to render-1' },
    });
    expect(record).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ outcome: 'failure', detail: 'resource.conflict {"action":"destroy"}' }),
    );
  });

  it('that cannot be written to the audit trail are not told to have succeeded', async () => {
    record.mockRejectedValueOnce(new Error('no disk'));

    expect((await call('POST', '/api/resources/scratch/actions', { action: 'detach' })).status).toBe(500);
    expect(record).toHaveBeenCalledOnce();
  });
});

describe('bad input', () => {
  it.each([
    ['PUT', '/api/pools/render', { ...wantedPool, policy: { min: -1, max: 3 } }, '/policy/min'],
    ['PUT', '/api/pools/render', { ...wantedPool, providers: [] }, '/providers'],
    ['PUT', '/api/pools/Render!', wantedPool, '/id'],
    ['POST', '/api/resources', { ...created, spec: { kind: 'volume', sizeGiB: 0 } }, '/spec/sizeGiB'],
    ['POST', '/api/resources/scratch/actions', { action: 'explode' }, '/action'],
    ['POST', '/api/resources/scratch/actions', { action: 'power', power: 'up' }, '/power'],
    ['GET', '/api/resources?kind=cow', undefined, '/kind'],
    ['GET', '/api/provision/events?limit=1000000', undefined, '/limit'],
  ])('by %s %s %o is pointed at', async (...row) => {
    const [method, path, body, pointer] = row;
    const answer = await call(method, path, body);

    expect(answer.status).toBe(422);
    expect((answer.body as { errors: { pointer: string }[] }).errors.map((fault) => fault.pointer)).toEqual([
      pointer,
    ]);
  });
});

describe('reading', () => {
  it('passes the filters on', async () => {
    await call('GET', '/api/resources?kind=volume&provider=cloud&withAbsent=true');
    await call('GET', '/api/provision/events?resource=scratch&before=7&limit=3');

    expect(provisioning.resources).toHaveBeenCalledWith({
      ...{ kind: 'volume', provider: 'cloud', withAbsent: true },
    });
    expect(provisioning.log).toHaveBeenCalledWith({ resource: 'scratch', before: 7, limit: 3 });
    expect((await call('GET', '/api/resources/scratch/console')).body).toEqual({
      kind: 'text',
      text: 'booted',
    });
  });

  it('is for administrators, as everything here', async () => {
    roles = ['radiologist', 'doctor'];

    const routes = provisionRoutes({ provisioning, audit: {} as AuditTrail, definitions: {} });
    for (const { method, path } of routes)
      expect(await call(method.toUpperCase(), path.replace(':id', 'x'))).toMatchObject({ status: 403 });
  });
});
