import { auditEventSchema, servicePlanSchema, serviceViewSchema, type ServiceView } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  startSimulatedCloud,
  type SimulatedCloud,
} from '../../provision/drivers/simulated/simulated-cloud.ts';
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts';
import { startTestDatabase } from '../../support/test-database.ts';
import { cloudForTwoTier, twoTier } from '../../support/test-services.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
let cloud: SimulatedCloud;
let token: string;

beforeAll(async () => {
  cloud = suite.use(await startSimulatedCloud(cloudForTwoTier()));
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
  token = await broker.token('ada');
  const settings = { url: cloud.url };
  await ask('PUT', '/api/providers/cloud', { kind: 'simulated', title: 'A cloud', settings });
});
afterAll(async () => suite.disposeAsync());

const limitMs = 60_000;
const patient = { timeout: 45_000, interval: 100 };
const archive = { id: 'archive', provider: 'cloud', manifest: twoTier };

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  return broker.call(method, path, { token, ...(body === undefined ? {} : { body }) });
}
async function view(id: string): Promise<ServiceView> {
  return serviceViewSchema.parse((await ask('GET', `/api/services/${id}`)).body);
}
const becomes = async (id: string, kind: string): Promise<void> =>
  expect.poll(async () => (await view(id)).state.kind, patient).toBe(kind);
async function audited(): Promise<readonly string[]> {
  const { body } = await ask('GET', '/api/audit');
  const { events } = z.object({ events: z.array(auditEventSchema) }).parse(body);
  return events
    .filter(({ action }) => action === 'service.changed')
    .map(({ objectId, outcome, detail }) => `${objectId} ${outcome} ${detail}`);
}

describe('services by HTTP', { timeout: limitMs }, () => {
  it('says what would be made, and makes nothing', async () => {
    const { status, body } = await ask('POST', '/api/services?dryRun=true', archive);

    expect(status).toBe(200);
    const { plan, fit } = servicePlanSchema.parse(body);
    expect(plan.nodes.map(({ node }) => node)).toEqual(['database', 'application']);
    expect(fit.map(({ id, size, image }) => [id, size, image])).toEqual([
      ['archive-database', 'small', 'debian'],
      ['archive-application', 'large', 'debian'],
    ]);
    expect((await ask('GET', '/api/services')).body).toEqual({ services: [] });
  });

  it('deploys, shows, suspends, restarts and releases, each in the audit trail', async () => {
    const created = await ask('POST', '/api/services', archive);
    expect(created).toMatchObject({ status: 202, body: { id: 'archive', createdBy: 'Ada Admin' } });
    await becomes('archive', 'running');

    const { nodes, steps } = await view('archive');
    expect(
      nodes.map(({ node, resources }) => [node, resources.map(({ kind, phase }) => [kind, phase])]),
    ).toEqual([
      [
        'database',
        [
          ['network', 'ready'],
          ['security-group', 'ready'],
          ['machine', 'ready'],
        ],
      ],
      [
        'application',
        [
          ['security-group', 'ready'],
          ['machine', 'ready'],
        ],
      ],
    ]);
    const timed = steps.filter(({ text }) => text.endsWith('is ready'));
    expect(timed.every(({ durationMs }) => durationMs !== null && durationMs >= 0)).toBe(true);
    await ask('POST', '/api/services/archive/actions', { action: 'suspend' });
    await becomes('archive', 'suspended');
    await ask('POST', '/api/services/archive/actions', { action: 'restart' });
    await becomes('archive', 'running');
    const refused = await ask('POST', '/api/services/archive/actions', { action: 'restart' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'service.conflict' } });
    await ask('POST', '/api/services/archive/actions', { action: 'release' });
    await becomes('archive', 'absent');

    expect(cloud.cloud.truth().alive).toMatchObject({ machine: 0, 'security-group': 0 });
    expect((await audited()).toReversed()).toEqual([
      expect.stringMatching(/^archive success \{"create":\{"id":"archive","provider":"cloud"/),
      'archive success {"action":"suspend"}',
      'archive success {"action":"restart"}',
      'archive failure service.conflict {"action":"restart"}',
      'archive success {"action":"release"}',
    ]);
  });

  it('tells the machine in its user data where the other one is', async () => {
    await ask('POST', '/api/services', { ...archive, id: 'told' });
    await becomes('told', 'running');

    const { nodes } = await view('told');
    const resources = nodes.flatMap((node) => node.resources);
    const address = resources.find(({ id }) => id === 'told-database')?.addresses[0];
    const application = await ask('GET', '/api/resources/told-application');
    const { ref } = z.object({ ref: z.string() }).parse(application.body);

    expect(cloud.cloud.machine(ref)?.spec).toMatchObject({
      guest: {
        environment: { SERVICE_DATABASE_HOSTNAME: address },
        userData: expect.stringContaining('/etc/medusa/service.env') as unknown,
      },
    });
  });

  it('takes a name of the catalogue, and says why it cannot be had there', async () => {
    const { status, body } = await ask('POST', '/api/services', { provider: 'cloud', manifest: 'near-data' });

    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'service.unfit', errors: expect.any(Array) as unknown });
    expect(JSON.stringify(body)).toMatch(/near-data-[0-9a-f]{4}-reader: /);
  });

  it.each([
    ['POST', '/api/services', { ...archive, provider: 'nowhere' }, 404, 'provider.unknown'],
    ['POST', '/api/services', { ...archive, manifest: 'nothing' }, 404, 'manifest.unknown'],
    ['POST', '/api/services', { ...archive, agreement: 'nothing' }, 404, 'agreement.unknown'],
    ['POST', '/api/services', { ...archive, id: 'Not a name' }, 422, 'request.invalid'],
    ['GET', '/api/services/nothing', undefined, 404, 'service.unknown'],
    ['POST', '/api/services/nothing/actions', { action: 'release' }, 404, 'service.unknown'],
    ['POST', '/api/services/archive/actions', { action: 'explode' }, 422, 'request.invalid'],
  ])('%s %s %j: %i', async (...[method, path, body, status, code]) => {
    expect(await ask(method, path, body)).toMatchObject({ status, body: { code } });
  });

  it('is for administrators only', async () => {
    const doctor = await broker.token('dirk');

    for (const [method, path] of [
      ['GET', '/api/services'],
      ['GET', '/api/services/archive'],
      ['POST', '/api/services'],
      ['POST', '/api/services/archive/actions'],
    ] as const)
      expect(
        await broker.call(method, path, { token: doctor, ...(method === 'POST' && { body: {} }) }),
      ).toMatchObject({
        status: 403,
      });
  });
});
