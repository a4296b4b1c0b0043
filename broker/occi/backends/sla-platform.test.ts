import { agreementTemplateSchema, type AgreementTemplate } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkManifest } from '../../manifest/index.ts';
import { createOcciStore, createServiceStore } from '../../persistence/index.ts';
import { startSimulatedCloud } from '../../provision/drivers/simulated/simulated-cloud.ts';
import { occiClient, type OcciAnswer, type OcciClient } from '../../support/occi-client.ts';
import { startOcciEdge, type OcciEdge } from '../../support/occi-edge.ts';
import { startTestDatabase } from '../../support/test-database.ts';
import { addCloud, cloudId, guestsOf, startTestEngine } from '../../support/test-provisioning.ts';
import {
  cloudForTwoTier,
  startTestServices,
  twoTier,
  type TestServices,
} from '../../support/test-services.ts';
import { openOcci, type OcciDeps } from '../index.ts';
import {
  agreementKind,
  agreementLinkKind,
  agreementTemplateMixin,
  applicationKind,
  componentKind,
  componentLinkKind,
  identifierOf,
  providerMixin,
} from '../model/index.ts';

const suite = new AsyncDisposableStack();
const patient = { timeout: 60_000, interval: 50 };
const limitMs = 120_000;
const inEvery = ['text/plain', 'text/occi', 'application/occi+json', 'application/json'] as const;
const noArguments = new Map();
const kinds = { agreement: identifierOf(agreementKind), application: identifierOf(applicationKind) };
const gold = 'http://medusa.example/occi/agreement_tpl#gold';
const choice = 'http://medusa.example/occi/agreement_tpl#choice';
const archive = 'http://medusa.example/occi/app_tpl#radiology-archive';
const termOf = (name: string): string => `http://medusa.example/occi/agreement_term#${name}`;
const slaAction = (term: string): string => `http://schemas.ogf.org/occi/sla#${term}`;
const platformAction = (term: string): string => `http://schemas.ogf.org/occi/platform/action#${term}`;

const viewer = {
  ...{ kind: 'ServiceDescriptionTerm', name: 'viewer', serviceName: 'viewer' },
  manifest: { name: 'workstation' },
} as const;
const guarantee = (name: string, target: string) => ({
  ...{ kind: 'GuaranteeTerm', name, obligated: 'ServiceProvider' },
  objective: { kpiName: 'session.start.seconds', target },
  businessValues: {
    penalties: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '10.50' }],
  },
  assessment: { window: 'PT1M' },
});
const context = { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' };
const templates: readonly AgreementTemplate[] = [
  { id: 'gold', context, terms: { kind: 'All', terms: [viewer, guarantee('start', 'LT 2')] } },
  {
    ...{ id: 'choice', context },
    terms: {
      kind: 'All',
      terms: [viewer, { kind: 'ExactlyOne', terms: [guarantee('fast', 'LT 2'), guarantee('slow', 'LT 8')] }],
    },
  },
].map((one) => agreementTemplateSchema.parse(one));

let edge: OcciEdge;
let made: TestServices;
let id = 0;

beforeAll(async () => {
  const url = await suite.use(await startTestDatabase()).create('occi');
  const engine = suite.use(await startTestEngine(url));
  await addCloud(engine, suite.use(await startSimulatedCloud(cloudForTwoTier())));
  const { manifest } = checkManifest(twoTier, { manifests: new Map(), tenant: 'radiology' });
  if (!manifest) throw new Error('the example cannot be read');
  made = suite.use(startTestServices(engine, url, { manifests: new Map([[manifest.name, manifest]]) }));
  const { services, agreements } = made;
  for (const template of templates) await agreements.putTemplate(template);
  const none = { views: () => [], view: () => undefined, listFor: async () => [] };
  edge = suite.use(
    await startOcciEdge({
      open: (root) =>
        openOcci({
          ...{ root, provisioning: engine.provisioning, services, agreements, now: Date.now },
          ...{ manifests: [manifest.name], serviceRecords: async () => createServiceStore(engine.db).list() },
          ...{ guests: guestsOf(engine), senders: async () => [] },
          ...{ nodes: none, sessions: none as unknown as OcciDeps['sessions'] },
          ...{ store: createOcciStore(engine.db), newId: () => `own-${(id += 1)}` },
          report: (error) => {
            throw error;
          },
        }),
      roles: () => ['admin'],
    }),
  );
});
afterAll(async () => suite.disposeAsync());

describe.each(inEvery)('in %s', { timeout: limitMs }, (type) => {
  const prefix = inEvery.indexOf(type);
  const name = (text: string): string => `${text}${prefix}`;
  let client: OcciClient;
  beforeEach(() => {
    client = occiClient(edge.base, type);
  });
  const attributes = (answer: OcciAnswer): Record<string, unknown> =>
    Object.fromEntries(answer.payload().entities[0]?.attributes ?? []);
  const actions = (answer: OcciAnswer): readonly string[] => answer.payload().entities[0]?.actions ?? [];
  const call = async (path: string, action: string) => client.call(path, { action, attributes: noArguments });
  const agree = async (path: string, more: Record<string, string> = {}, mixins = [gold]) =>
    client.entity('PUT', path, { kind: kinds.agreement, mixins, attributes: more });

  it('templates and terms of agreements, and manifests, are mixins of those of the standards', async () => {
    const { categories } = (await client.get('-/')).payload();
    const known = categories.map(({ scheme, term }) => `${scheme}${term}`);

    expect(known).toEqual(
      expect.arrayContaining([
        ...[kinds.agreement, identifierOf(agreementLinkKind), identifierOf(agreementTemplateMixin)],
        ...[gold, choice, termOf('start'), ...['accept', 'terminate'].map(slaAction)],
        ...[kinds.application, identifierOf(componentKind), identifierOf(componentLinkKind), archive],
        ...['start', 'stop'].map(platformAction),
      ]),
    );
  });

  it('an agreement is made of a template, accepted, suspended, resumed and terminated', async () => {
    const path = `agreement/${name('life')}`;
    const until = '2036-01-01T00:00:00Z';
    const created = await agree(path, {
      'occi.agreement.effectiveUntil': until,
      'medusa.agreement.initiator': 'Saint Elsewhere',
    });
    expect([created.status, created.header('location')]).toEqual([201, `${edge.base}${path}`]);

    const pending = await client.get(path);
    expect(attributes(pending)).toEqual({
      ...{ 'occi.core.id': name('life'), 'occi.core.title': name('life') },
      ...{ 'occi.agreement.state': 'pending', 'occi.agreement.effectiveUntil': until },
      ...{ 'medusa.agreement.state': 'Pending', 'medusa.agreement.template': 'gold' },
      ...{ 'medusa.agreement.initiator': 'Saint Elsewhere', 'medusa.agreement.responder': 'medusa' },
      ...{ 'viewer.term.type': 'SERVICE-TERM', 'viewer.term.state': 'undefined' },
      'viewer.term.desc': 'ServiceDescriptionTerm of viewer',
      ...{ 'start.term.type': 'SLO-TERM', 'start.term.state': 'undefined' },
      'start.term.desc': 'session.start.seconds: LT 2',
      'start.term.remedy': '10.50 EUR for P1D',
    });
    expect(actions(pending)).toEqual(['accept', 'reject', 'terminate'].map(slaAction));
    for (const [term, state, next] of [
      ['accept', 'accepted', ['suspend', 'terminate']],
      ['suspend', 'suspended', ['resume', 'terminate']],
      ['resume', 'accepted', ['suspend', 'terminate']],
      ['terminate', 'terminated', []],
    ] as const) {
      const answer = await call(path, slaAction(term));
      expect([term, answer.status]).toEqual([term, 200]);
      expect(attributes(answer)['occi.agreement.state']).toBe(state);
      expect(actions(answer)).toEqual(next.map(slaAction));
    }
    const ended = attributes(await client.get(path));
    expect(ended['occi.agreement.agreedAt']).toBe(ended['occi.agreement.effectiveFrom']);
    expect(Date.parse(String(ended['occi.agreement.effectiveUntil']))).toBeLessThanOrEqual(Date.now());
    expect((await call(path, slaAction('accept'))).status).toBe(409);
    expect((await client.delete(path)).status).toBe(405);
  });

  it('an agreement is rejected, also by the scheme of actions that other models have', async () => {
    const path = `agreement/${name('no')}`;
    await agree(path);
    const rejected = await call(path, 'http://schemas.ogf.org/occi/sla/agreement/action#reject');

    expect([rejected.status, attributes(rejected)['occi.agreement.state']]).toEqual([200, 'rejected']);
    expect(actions(rejected)).toEqual([]);
  });

  it('what is measured decides the state of a term', async () => {
    const path = `agreement/${name('term')}`;
    await agree(path);
    await call(path, slaAction('accept'));
    const { agreements } = made;
    const since = Date.parse((await agreements.get(name('term'))).observedAt ?? '');
    const window = Math.ceil(since / 60_000) * 60_000;
    vi.useFakeTimers({ toFake: ['Date'], now: window + 61_000 });
    try {
      const event = { indicator: 'session.start.seconds', service: 'viewer', item: 's', conditions: {} };
      await agreements.record([{ ...event, id: name('late'), atMs: window + 1_000, value: 9 }]);
      await agreements.evaluateDue();
    } finally {
      vi.useRealTimers();
    }

    expect(attributes(await client.get(path))['start.term.state']).toBe('violated');
    await call(path, slaAction('suspend'));
    expect(attributes(await client.get(path))['start.term.state']).toBe('undefined');
  });

  it('of alternatives the terms that are given are agreed upon', async () => {
    const path = `agreement/${name('alternative')}`;
    expect((await agree(path, {}, [choice])).status).toBe(400);
    expect((await agree(path, {}, [choice, termOf('slow')])).status).toBe(201);

    const mixins = (await client.get(path)).payload().entities[0]?.mixins;
    expect(mixins).toContain(termOf('slow'));
    expect(mixins).not.toContain(termOf('fast'));
  });

  it.each([
    ['no template', [], {}],
    ['two templates', [gold, choice], {}],
    ['a beginning', [gold], { 'occi.agreement.effectiveFrom': '2030-01-01T00:00:00Z' }],
    ['an end that is no instant', [gold], { 'occi.agreement.effectiveUntil': 'tomorrow' }],
  ])('400 for %s', async (_what, mixins, more) => {
    expect((await agree(`agreement/${name('bad')}`, more, mixins)).status).toBe(400);
    expect((await client.get(`agreement/${name('bad')}`)).status).toBe(404);
  });

  it('an application is deployed under an agreement, shown with its parts, stopped, started and released', async () => {
    const [path, sla] = [`application/${name('app')}`, name('sla')];
    const deploy = async () =>
      client.entity('PUT', path, {
        kind: kinds.application,
        mixins: [archive, identifierOf(providerMixin)],
        attributes: {
          ...{ 'occi.app.name': name('app'), 'medusa.service.agreement': sla },
          'medusa.provider.id': cloudId,
        },
      });
    await agree(`agreement/${sla}`);
    expect((await deploy()).status).toBe(409);
    await call(`agreement/${sla}`, slaAction('accept'));
    expect((await deploy()).status).toBe(201);
    const becomes = async (state: string): Promise<OcciAnswer> => {
      await expect
        .poll(async () => attributes(await client.get(path))['occi.app.state'], patient)
        .toBe(state);
      return client.get(path);
    };

    const running = await becomes('active');
    expect(attributes(running)).toMatchObject({
      ...{ 'occi.app.name': name('app'), 'occi.app.state.message': 'running' },
      ...{ 'medusa.service.manifest': 'radiology-archive', 'medusa.service.agreement': sla },
    });
    expect(actions(running)).toEqual([platformAction('stop')]);
    expect(running.payload().entities[0]?.links.map(({ kind, target }) => [kind, target])).toEqual(
      ['database', 'application'].map((node) => [
        identifierOf(componentLinkKind),
        `/occi/component/${name('app')}.${node}`,
      ]),
    );
    const part = `component/${name('app')}.database`;
    expect(attributes(await client.get(part))).toMatchObject({ 'occi.component.state': 'active' });
    expect((await call(part, platformAction('stop'))).status).toBe(405);
    const [link] = (await client.get(`agreement/${sla}`)).payload().entities[0]?.links ?? [];
    expect([link?.kind, link?.rel, link?.target]).toEqual([
      ...[identifierOf(agreementLinkKind), kinds.application, `/occi/${path}`],
    ]);

    expect((await call(path, platformAction('stop'))).status).toBe(200);
    await expect
      .poll(async () => actions(await client.get(path)), patient)
      .toEqual([platformAction('start')]);
    expect(attributes(await client.get(part))).toMatchObject({ 'occi.component.state': 'inactive' });
    expect((await call(path, platformAction('start'))).status).toBe(200);
    await becomes('active');
    expect((await client.delete(path)).status).toBe(200);
    expect([(await client.get(path)).status, (await client.get(part)).status]).toEqual([404, 404]);
    expect((await client.get(`agreement/${sla}`)).payload().entities[0]?.links).toEqual([]);
    // The next rendering deploys the same manifest, and its networks are shared.
    await expect.poll(async () => (await made.view(name('app'))).state.kind, patient).toBe('absent');
  });

  it.each([
    ['no template', [], { 'occi.app.name': 'x' }],
    ['no name', [archive], {}],
    ['another name than the id', [archive], { 'occi.app.name': 'other' }],
    ['an unknown agreement', [archive], { 'occi.app.name': 'x', 'medusa.service.agreement': 'none' }],
  ])('an application of %s is refused', async (_what, mixins, more) => {
    const answer = await client.entity('PUT', 'application/x', {
      ...{ kind: kinds.application, mixins, attributes: more },
    });

    expect([400, 404]).toContain(answer.status);
    expect((await client.get('application/x')).status).toBe(404);
  });
});
