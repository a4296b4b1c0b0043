import { randomUUID } from 'node:crypto';
import {
  agreementTemplateSchema,
  createServiceSchema,
  resourceIdSchema,
  serviceIdSchema,
  serviceViewSchema,
  type AppError,
  type ServiceView,
} from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServiceStore } from '../persistence/index.ts';
import { startSimulatedCloud, type SimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
import type { Provisioning } from '../provision/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { addCloud, by, cloudId, startTestEngine, type TestEngine } from '../support/test-provisioning.ts';
import { cloudForTwoTier, startTestServices, twoTier, type TestServices } from '../support/test-services.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

let test: AsyncDisposableStack;
let url: string;
beforeEach(async () => {
  test = new AsyncDisposableStack();
  url = await database.create(`s${randomUUID().replaceAll('-', '')}`);
});
afterEach(async () => test.disposeAsync());

const describesArchive = {
  ...{ kind: 'ServiceDescriptionTerm', name: 'archive', serviceName: 'archive' },
  manifest: { name: 'radiology-archive' },
};
const limitMs = 120_000;
const patient = { timeout: 60_000, interval: 50 };
const serviceId = serviceIdSchema.parse('archive');
const databaseId = resourceIdSchema.parse('archive-database');
const applicationId = resourceIdSchema.parse('archive-application');

type Broker = { readonly engine: TestEngine; readonly made: TestServices };

async function broker(
  cloud: SimulatedCloud,
  options: Parameters<typeof startTestServices>[2] = {},
): Promise<Broker> {
  const engine = test.use(await startTestEngine(url));
  await addCloud(engine, cloud);
  return { engine, made: test.use(startTestServices(engine, url, options)) };
}
async function cloudWith(settings = cloudForTwoTier()): Promise<SimulatedCloud> {
  return test.use(await startSimulatedCloud(settings));
}

const stateOf = async ({ made }: Broker): Promise<ServiceView['state']> => (await made.view('archive')).state;
const becomes = async (one: Broker, kind: ServiceView['state']['kind']): Promise<ServiceView> => {
  await expect.poll(async () => (await stateOf(one)).kind, patient).toBe(kind);
  return one.made.view('archive');
};
const alive = (cloud: SimulatedCloud): Record<string, number> => {
  const { machine, network } = cloud.cloud.truth().alive;
  return { machine, network, groups: cloud.cloud.truth().alive['security-group'] };
};
const textsOf = ({ steps }: ServiceView): string[] => steps.map(({ text }) => text);
const milestones = (view: ServiceView): string[] =>
  textsOf(view).filter((text) => / is (ready|gone)$|→/.test(text));

describe('a service', { timeout: limitMs }, () => {
  it('is made node by node in the order of its plan, and goes in the reverse order', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);

    const created = await one.made.create();
    expect(created).toMatchObject({ state: { kind: 'idle' }, manifest: 'radiology-archive' });
    const running = await becomes(one, 'running');
    expect(serviceViewSchema.parse(running)).toEqual(running);
    expect(milestones(running)).toEqual([
      'idle → working',
      expect.stringMatching(/^(network|security-group) /),
      expect.stringMatching(/^(network|security-group) /),
      'machine archive-database is ready',
      'security-group archive-application-sg is ready',
      'machine archive-application is ready',
      'working → running',
    ]);
    expect(alive(cloud)).toEqual({ machine: 2, network: 1, groups: 2 });

    await one.made.services.act(serviceId, 'release');
    const gone = await becomes(one, 'absent');

    expect(milestones(gone).slice(7)).toEqual([
      'running → releasing',
      'machine archive-application is gone',
      'security-group archive-application-sg is gone',
      'machine archive-database is gone',
      'security-group archive-database-sg is gone',
      'releasing → absent',
    ]);
    // Networks are the tenant's.
    expect(alive(cloud)).toEqual({ machine: 0, network: 1, groups: 0 });
    expect(one.made.problems).toEqual([]);
  });

  it('tells a machine where the other one is, and says of each instruction that nobody carries out why', async () => {
    const one = await broker(await cloudWith());
    await one.made.create();

    const { steps } = await becomes(one, 'running');

    const { addresses } = await one.engine.view(databaseId);
    expect(addresses).toHaveLength(1);
    expect(await createServiceStore(one.engine.db).guestEnvironment(applicationId)).toEqual({
      SERVICE_DATABASE_HOSTNAME: addresses[0],
    });
    const instructed = steps.filter(({ text }) => /^(configuration|interface)/.test(text));
    expect(instructed.map(({ node, outcome, text }) => [node, outcome, text])).toEqual([
      ['application', 'ok', 'configuration: configure(database.hostname): SERVICE_DATABASE_HOSTNAME'],
      ['application', 'ok', 'interface: start()'],
      [
        'application',
        'not-carried-out',
        "configuration: system('systemctl restart orthanc') is not carried out: no program in the guest takes commands",
      ],
    ]);
  });

  it('of which one machine finds no room is taken back: nothing is left, and the reason is told', async () => {
    const cloud = await cloudWith(cloudForTwoTier({ tight: true }));
    const one = await broker(cloud);

    await one.made.create({ readySeconds: 6 });
    const failed = await becomes(one, 'error');

    expect(failed.reason).toMatch(/^archive-application is creating: .+ \(not ready after 6 s\)$/);
    expect(alive(cloud)).toEqual({ machine: 0, network: 0, groups: 0 });
    expect(milestones(failed).filter((text) => text.includes('running'))).toEqual([]);
    expect(milestones(failed).filter((text) => text.endsWith('is gone'))).toEqual([
      'machine archive-application is gone',
      'security-group archive-application-sg is gone',
      'machine archive-database is gone',
      'security-group archive-database-sg is gone',
      'network radiology-ethernet is gone',
    ]);
  });

  it('goes on where a broker that was killed had come to', async () => {
    const cloud = await cloudWith();
    const first = await broker(cloud);
    await first.made.create();
    await expect.poll(() => alive(cloud)['machine'], patient).toBe(1);
    await first.made[Symbol.asyncDispose]();
    await first.engine[Symbol.asyncDispose]();

    const second = await broker(cloud);
    await becomes(second, 'running');

    expect(alive(cloud)).toEqual({ machine: 2, network: 1, groups: 2 });
    expect(cloud.cloud.truth().created).toMatchObject({ machine: 2, network: 1, 'security-group': 2 });
  });

  it.each(['before', 'after'] as const)(
    'goes on when its broker was killed just %s it asked for a machine',
    async (point) => {
      const cloud = await cloudWith();
      const engine = test.use(await startTestEngine(url));
      await addCloud(engine, cloud);
      const create: Provisioning['create'] = async (wanted, who) => {
        if (wanted.id !== databaseId) return engine.provisioning.create(wanted, who);
        if (point === 'after') await engine.provisioning.create(wanted, who);
        throw new Error('killed');
      };
      const killed = startTestServices(engine, url, { provisioning: { ...engine.provisioning, create } });
      test.use(killed);
      await killed.create();
      await expect.poll(() => killed.problems.length, patient).toBe(1);
      await killed[Symbol.asyncDispose]();

      const second = { engine, made: test.use(startTestServices(engine, url)) };
      await becomes(second, 'running');

      expect(cloud.cloud.truth().created).toMatchObject({ machine: 2, network: 1, 'security-group': 2 });
    },
  );

  it('is made once by two brokers at once', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);
    const other = await broker(cloud);

    const asked = await Promise.allSettled([one.made.create(), other.made.create()]);
    const running = await becomes(other, 'running');

    expect(asked.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(cloud.cloud.truth().created).toMatchObject({ machine: 2, network: 1, 'security-group': 2 });
    expect(milestones(running)).toHaveLength(new Set(milestones(running)).size);
    await Promise.allSettled([
      one.made.services.act(serviceId, 'release'),
      other.made.services.act(serviceId, 'release'),
    ]);
    await becomes(one, 'absent');
    expect(alive(cloud)).toEqual({ machine: 0, network: 1, groups: 0 });
  });

  it('sleeps and wakes up again', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);
    await one.made.create();
    await becomes(one, 'running');

    await one.made.services.act(serviceId, 'suspend');
    await becomes(one, 'suspended');
    expect((await one.engine.view(databaseId)).power).toBe('suspended');
    await expect(one.made.services.act(serviceId, 'suspend')).rejects.toMatchObject({
      code: 'service.conflict',
    });
    await one.made.services.act(serviceId, 'restart');
    await becomes(one, 'running');

    expect([await one.engine.view(databaseId), await one.engine.view(applicationId)]).toMatchObject([
      { power: 'on', incarnation: 1 },
      { power: 'on', incarnation: 1 },
    ]);
  });

  it('that loses a machine is degraded, and runs again when a restart has made another one', async () => {
    const one = await broker(await cloudWith());
    await one.made.create();
    await becomes(one, 'running');

    await one.engine.provisioning.act(applicationId, { action: 'destroy' }, by);
    const degraded = await becomes(one, 'degraded');
    expect(degraded.reason).toMatch(/^archive-application is /);
    await one.made.services.act(serviceId, 'restart');

    await becomes(one, 'running');
    expect((await one.engine.view(applicationId)).incarnation).toBe(2);
  });

  it('starts within the life of its agreement only', async () => {
    const one = await broker(await cloudWith());
    const { agreements } = one.made;
    const template = agreementTemplateSchema.parse({
      ...{ id: 'gold', terms: { kind: 'All', terms: [describesArchive] } },
      context: { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' },
    });
    await agreements.putTemplate(template);
    const { context, terms } = template;
    await agreements.create({ id: 'gold-1', context: { ...context, templateId: 'gold' }, terms }, 'ada');

    const early = one.made.create({ agreement: 'gold-1' });
    await expect(early).rejects.toMatchObject({ code: 'agreement.conflict' });
    await agreements.act('gold-1', { event: 'accept' }, 'ada');
    await one.made.create({ agreement: 'gold-1' });
    await becomes(one, 'running');
    await one.made.services.act(serviceId, 'suspend');
    await becomes(one, 'suspended');
    const { document } = await agreements.get('gold-1');
    const offer = { ...document, id: 'gold-2' };
    const { id } = await agreements.offer(offer, { by: 'ada', renegotiates: 'gold-1' });
    await agreements.createFromOffer(id, 'ada');
    await agreements.act('gold-2', { event: 'accept' }, 'ada');
    // Under the one that has superseded its own it may start still.
    const plan = { id: 'again', provider: cloudId, manifest: twoTier, agreement: 'gold-1' };
    await one.made.services.plan(createServiceSchema.parse(plan), AbortSignal.timeout(10_000));
    await agreements.act('gold-2', { event: 'terminate' }, 'ada');

    await expect(one.made.services.act(serviceId, 'restart')).rejects.toMatchObject({
      code: 'agreement.over',
    });
    const late = one.made.create({ id: 'late', agreement: 'gold-1' });
    await expect(late).rejects.toMatchObject({ code: 'agreement.over' });
    await expect(one.made.create({ id: 'none', agreement: 'none' })).rejects.toMatchObject({
      code: 'agreement.unknown',
    });
  });

  it('is what its agreement describes, when it names no manifest itself', async () => {
    const one = await broker(await cloudWith());
    const { agreements } = one.made;
    const described = { ...describesArchive, manifest: { inline: twoTier } };
    const template = agreementTemplateSchema.parse({
      ...{ id: 'gold', terms: { kind: 'All', terms: [described] } },
      context: { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' },
    });
    await agreements.putTemplate(template);
    const { context, terms } = template;
    await agreements.create({ id: 'gold-1', context: { ...context, templateId: 'gold' }, terms }, 'ada');
    await agreements.act('gold-1', { event: 'accept' }, 'ada');

    const created = await one.made.create({ manifest: undefined, agreement: 'gold-1' });
    expect(created).toMatchObject({ manifest: 'radiology-archive', agreement: 'gold-1' });
    await expect(one.made.create({ manifest: undefined })).rejects.toMatchObject({ code: 'request.invalid' });
    await becomes(one, 'running');
  });

  it('is refused with every reason before anything is made', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);
    const incomplete =
      '<manifest name="m"><node name="a"><image><system name="plan9"/></image></node></manifest>';

    const refused: unknown = await one.made.create({ manifest: incomplete }).catch((error: unknown) => error);

    expect(refused).toMatchObject({ code: 'service.unfit' });
    expect((refused as AppError).details['errors']).toEqual(
      expect.arrayContaining([
        { pointer: '/manifest/nodes/0', message: 'a names no package that it depends on' },
        { pointer: '/provider', message: 'archive-a: there is no image plan9' },
      ]),
    );
    expect(await one.made.services.list()).toEqual([]);
    await expect(one.made.create({ manifest: 'nothing' })).rejects.toMatchObject({
      code: 'manifest.unknown',
    });
  });

  it('can be released while it is made', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);
    await one.made.create();
    await expect.poll(() => alive(cloud)['machine'], patient).toBe(1);

    await one.made.services.act(serviceId, 'release');
    await becomes(one, 'absent');

    expect(alive(cloud)).toMatchObject({ machine: 0, groups: 0 });
  });

  it('leaves alone what is there under its names, and what another service shares with it', async () => {
    const cloud = await cloudWith();
    const one = await broker(cloud);
    await one.made.create({ id: 'other' });
    await expect.poll(async () => (await one.made.view('other')).state.kind, patient).toBe('running');
    const spec = { kind: 'security-group' as const, tenant: 'radiology', rules: [] };
    await one.engine.provisioning.create({ id: databaseId, provider: cloudId, spec }, by);

    await expect(one.made.create()).rejects.toMatchObject({ code: 'service.conflict' });
    await one.engine.provisioning.act(databaseId, { action: 'destroy' }, by);
    await expect.poll(async () => (await one.engine.view(databaseId)).phase, patient).toBe('absent');
    cloud.cloud.settings.sizes.splice(
      0,
      2,
      ...(await cloudWith(cloudForTwoTier({ tight: true }))).cloud.settings.sizes,
    );
    await one.made.create({ readySeconds: 1 });
    await becomes(one, 'error');

    expect(alive(cloud)).toEqual({ machine: 2, network: 1, groups: 2 });
    expect((await one.made.view('other')).state).toEqual({ kind: 'running' });
  });
});
