import { agreementTemplateSchema } from '@medusa/protocol';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAgreements } from '../../agreement/index.ts';
import { createAgreementStore, openDatabase } from '../../persistence/index.ts';
import { connectRenderNode, connectStorageNode, testStudy } from '../../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts';
import { startTestDatabase } from '../../support/test-database.ts';
import { waitFor } from '../../support/wait.ts';

const dayMs = 86_400_000;
const context = { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' };
const terms = {
  kind: 'All',
  terms: [
    { kind: 'ServiceDescriptionTerm', name: 'viewer', serviceName: 'viewer', manifest: { name: 'medusa' } },
    {
      kind: 'GuaranteeTerm',
      name: 'link',
      obligated: 'ServiceConsumer',
      objective: { kpiName: 'pacs.link.mbps', target: 'mean(pacs.link.mbps) GE 100' },
      businessValues: {
        penalties: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '12.34' }],
      },
    },
  ],
};
const template = { id: 'gold', context, terms };
const offer = (id: string): object => ({ id, context: { ...context, templateId: 'gold' }, terms });

let broker: TestBroker;
let admin: string;
const suite = new AsyncDisposableStack();

beforeAll(async () => {
  const database = suite.use(await startTestDatabase());
  broker = suite.use(await startTestBroker(database));
  admin = await broker.token('ada');
});
afterAll(async () => suite.disposeAsync());

/** An agreement whose first days of March 2026 have been judged: the link was slow on the first day and fast on the second. */
async function judgedInMarch(): Promise<void> {
  const db = await openDatabase(broker.databaseUrl, () => undefined);
  let nowMs = Date.UTC(2026, 2, 1);
  const fail = (error: unknown): void => {
    throw error;
  };
  const agreements = openAgreements({
    store: createAgreementStore(db),
    now: () => new Date(nowMs),
    newId: () => 'n',
    report: fail,
  });
  const parsed = agreementTemplateSchema.parse(template);
  await agreements.putTemplate(parsed);
  await agreements.create(
    { id: 'past', context: { ...parsed.context, templateId: 'gold' }, terms: parsed.terms },
    'ada',
  );
  await agreements.act('past', { event: 'accept' }, 'ada');
  const measured = { indicator: 'pacs.link.mbps', service: 'viewer', item: 'wan', conditions: {} };
  await agreements.record([
    { ...measured, id: 'slow', atMs: nowMs + 1_000, value: 20 },
    { ...measured, id: 'fast', atMs: nowMs + dayMs, value: 900 },
    { ...measured, id: 'paused', atMs: nowMs + dayMs / 2 + 1_000, value: 10 },
  ]);
  nowMs += dayMs / 2;
  await agreements.act('past', { event: 'suspend' }, 'ada');
  nowMs += dayMs / 4;
  await agreements.act('past', { event: 'resume' }, 'ada');
  nowMs += (5 * dayMs) / 4;
  await agreements.evaluateDue();
  await db.destroy();
}

const call = async (
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> =>
  broker.call(method, `/api/agreements${path}`, { token: admin, body });

async function xml(
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(`${broker.url}/api/agreements${path}`, {
    method,
    headers: {
      authorization: `Bearer ${admin}`,
      accept: 'application/xml',
      'content-type': 'application/xml',
    },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

describe('agreements over HTTP', () => {
  it('go from template to offer and agreement, and take what was measured once', async () => {
    expect(await call('POST', '/templates', template)).toMatchObject({ status: 201 });
    const made = await call('POST', '/offers', offer('a1'));
    expect(made).toMatchObject({ status: 201, body: { state: 'Acceptable' } });
    const { id: offerId } = made.body as { id: string };
    expect(await call('POST', `/offers/${offerId}/agreement`)).toMatchObject({
      status: 201,
      body: { occiState: 'pending' },
    });
    expect(await call('POST', '/a1/acts', { event: 'accept' })).toMatchObject({
      status: 200,
      body: { occiState: 'accepted' },
    });
    expect(await call('POST', '/a1/acts', { event: 'accept' })).toMatchObject({ status: 409 });

    for (const part of ['guarantees', 'ledger', 'alerts'])
      expect(await call('GET', `/a1/${part}`)).toMatchObject({ status: 200 });
    const events = [
      {
        id: 'm1',
        indicator: 'pacs.link.mbps',
        at: new Date().toISOString(),
        value: 20,
        service: 'viewer',
        item: 'wan',
      },
    ];
    expect(await call('POST', '/indicators', { events })).toMatchObject({ body: { recorded: 1 } });
    expect(await call('POST', '/indicators', { events })).toMatchObject({ body: { recorded: 0 } });
    expect(await call('GET', '/indicators')).toMatchObject({
      body: {
        indicators: expect.arrayContaining([
          { name: 'pacs.link.mbps', kind: 'rate', unit: 'Mb/s' },
        ]) as unknown,
      },
    });
    expect(await call('GET', '/ledger/verification')).toMatchObject({ body: { kind: 'intact' } });
  });

  it('are negotiated by offers, renegotiated in one step, and signed so that anybody can check it', async () => {
    await call('POST', '', offer('b1'));
    await call('POST', '/b1/acts', { event: 'accept' });
    const made = await call('POST', '/offers?as=Solicited&renegotiates=b1', offer('b2'));
    expect(made).toMatchObject({ status: 201, body: { state: 'Solicited', renegotiates: 'b1' } });
    const { id } = made.body as { id: string };
    expect(await call('POST', `/offers/${id}/agreement`)).toMatchObject({ status: 409 });
    expect(await call('POST', `/offers/${id}/acts`, { event: 'accept' })).toMatchObject({
      status: 200,
      body: { state: 'Acceptable' },
    });
    expect(await call('POST', `/offers/${id}/agreement`)).toMatchObject({ status: 201 });
    expect(await call('GET', '/b2/signature')).toMatchObject({ status: 409 });
    expect(await call('POST', '/b2/acts', { event: 'accept' })).toMatchObject({
      body: { state: 'Observed', supersedes: 'b1' },
    });
    expect(await call('GET', '/b1')).toMatchObject({ body: { state: 'Terminated', supersededBy: 'b2' } });

    const { body } = await call('GET', '/b2/signature');
    const { agreement, signature } = body as { agreement: unknown; signature: string };
    const keys = (await broker.call('GET', '/api/jwks.json')).body as JSONWebKeySet;
    const { payload, protectedHeader } = await compactVerify(signature, createLocalJWKSet(keys));
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(agreement);
    expect(protectedHeader.typ).toBe('medusa-agreement+json');
    expect(agreement).toMatchObject({ agreementId: 'b2', supersedes: 'b1', document: { id: 'b2' } });
    expect((await broker.call('GET', '/api/agreements/b2/signature')).status).toBe(401);
  });

  it('show a breach, what it costs whom, and the events it was made from', async () => {
    await judgedInMarch();
    const { body } = await call('GET', '/past/guarantees?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z');
    const { assessments } = body as { assessments: { state: string; windowTo: string }[] };
    expect(assessments.slice(0, 2).map(({ state }) => state)).toEqual(['Violated', 'Fulfilled']);
    expect(await call('GET', '/past/ledger')).toMatchObject({
      body: {
        entries: [
          {
            debtor: 'ServiceConsumer',
            amountMinor: '1234',
            currency: 'EUR',
            windowFrom: '2026-03-01T00:00:00.000Z',
          },
        ],
      },
    });
    expect(await call('GET', '/past/alerts')).toMatchObject({
      body: { alerts: [{ kind: 'violated', guarantee: 'link' }] },
    });
    const events = await call(
      'GET',
      `/past/guarantees/link/events?windowTo=${assessments[0]?.windowTo ?? ''}`,
    );
    expect(events).toMatchObject({
      status: 200,
      body: { events: [{ id: 'slow', value: 20 }], leftOut: [{ reason: 'inactive', events: 1 }] },
    });
  });

  it('give a signed report whose figures lead to their events', async () => {
    const answer = await call('GET', `/past/report?month=2026-03`);
    const { report, signature } = answer.body as { report: unknown; signature: string };
    expect(report).toMatchObject({
      ...{ agreementId: 'past', customer: 'hospital', provider: 'medusa' },
      totals: [{ debtor: 'ServiceConsumer', currency: 'EUR', amount: '12.34' }],
      guarantees: [
        {
          name: 'link',
          assessments: expect.arrayContaining([expect.objectContaining({ eventIds: ['slow'] })]) as unknown,
        },
      ],
    });
    const jwks = (await broker.call('GET', '/api/jwks.json')).body as JSONWebKeySet;
    const { payload } = await compactVerify(signature, createLocalJWKSet(jwks));
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(report);
    const forged = signature.replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`);
    await expect(compactVerify(forged, createLocalJWKSet(jwks))).rejects.toThrow();
  });

  it('give the report as PDF', async () => {
    const response = await fetch(`${broker.url}/api/agreements/past/report?month=2026-03`, {
      headers: { authorization: `Bearer ${admin}`, accept: 'application/pdf' },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect(bytes.subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('hear of a session that streams, and on which device', async () => {
    await using nodes = new AsyncDisposableStack();
    nodes.use(await connectStorageNode(broker, [testStudy(1)]));
    nodes.use(await connectRenderNode(broker));
    const token = await broker.token('rosa');
    const measured = { checkedAt: '2026-01-01T00:00:00Z', throughputMbps: 87, items: [] };
    const device = { verdict: 'production', ...measured };
    const body = { studyInstanceUID: '1.2.3.1', device };
    const launched = await broker.call('POST', '/api/sessions', { token, body });
    const db = await openDatabase(broker.databaseUrl, () => undefined);
    const started = await waitFor('the start to be recorded', async () =>
      db
        .selectFrom('indicator_event')
        .selectAll()
        .where('indicator', '=', 'session.start.seconds')
        .executeTakeFirst(),
    );
    const conditions = { 'device.tier': 'production', 'lan.mbps': 87 };
    expect(started).toMatchObject({ service: 'workstation', conditions });

    const { id } = (launched.body as { session: { id: string } }).session;
    const tell = async (who: string, samples: object[]) =>
      broker.call('POST', `/api/sessions/${id}/frames`, { token: who, body: { samples } });
    const sample = { agoMs: 0, latencyMs: 43.5 };
    expect(await tell(token, [sample])).toMatchObject({ status: 200 });
    expect(await tell(await broker.token('dirk'), [sample])).toMatchObject({ status: 404 });
    expect(await tell(admin, [sample])).toMatchObject({ status: 403 });
    expect(await tell(token, [{ agoMs: -1, latencyMs: 1 }])).toMatchObject({ status: 422 });
    const figures = await db
      .selectFrom('indicator_event')
      .selectAll()
      .where('indicator', 'in', ['frame.latency.ms', 'lan.mbps'])
      .orderBy('indicator')
      .execute();
    await db.destroy();
    expect(figures).toMatchObject([
      { indicator: 'frame.latency.ms', value: 43.5, item: id, conditions },
      { indicator: 'lan.mbps', value: 87, item: id },
    ]);
  });

  it('are taken and given as WS-Agreement documents', async () => {
    const document = await xml('GET', '/a1');
    expect(document).toMatchObject({
      status: 200,
      type: expect.stringContaining('application/xml') as string,
    });
    const again = await xml('POST', '', document.text.replace('"a1"', '"a2"'));
    expect(again.status).toBe(201);
    expect(await call('GET', '/a2')).toMatchObject({ body: { state: 'Pending', document: { terms } } });
    expect((await xml('GET', '/templates/gold')).text).toContain('<wsag:Template wsag:TemplateId="gold"');
  });

  it('name the place of what is wrong in a document, and every item that does not fit', async () => {
    const { text } = await xml('GET', '/a1');
    const broken = await xml('POST', '', text.replace('P1D', 'tomorrow'));
    expect(broken.status).toBe(422);
    expect(JSON.parse(broken.text)).toMatchObject({
      code: 'request.invalid',
      errors: [{ pointer: expect.stringMatching(/^line \d+/) as string }],
    });
    const unfit = await xml('POST', '', text.replace('"a1"', '"a3"').replace('12.34', '0.01'));
    expect(JSON.parse(unfit.text)).toMatchObject({ code: 'offer.unfit', errors: [{ pointer: 'link' }] });
  });

  it('are checked without being kept: where a document is wrong, and what of it does not fit', async () => {
    const { text } = await xml('GET', '/a1');
    const good = await xml('POST', '/check?as=offer', text.replace('"a1"', '"a4"'));
    expect(JSON.parse(good.text)).toEqual({ problems: [] });
    const broken = await xml('POST', '/check?as=offer', text.replace('P1D', 'tomorrow'));
    expect(JSON.parse(broken.text)).toMatchObject({ problems: [{ line: expect.any(Number) as number }] });
    const unfit = await xml('POST', '/check?as=offer', text.replace('12.34', '0.01'));
    expect(JSON.parse(unfit.text)).toMatchObject({ problems: [{ pointer: 'link', line: null }] });
    expect(await call('POST', '/check?as=template', { ...template, id: 'a b' })).toMatchObject({
      status: 200,
      body: { problems: [{ pointer: '/id' }] },
    });
    const nameless = { ...offer('a4'), context };
    expect(await call('POST', '/check?as=offer', nameless)).toMatchObject({
      body: { problems: [{ pointer: 'templateId' }] },
    });
    expect(await xml('POST', '/check?as=template', text)).toMatchObject({
      status: 200,
      text: expect.stringContaining('This is no template') as string,
    });
    expect(await call('GET', '/a4')).toMatchObject({ status: 404 });
  });

  it('are for administrators, and what is done to them is on the audit trail', async () => {
    const token = await broker.token('dirk');
    expect(await broker.call('GET', '/api/agreements', { token })).toMatchObject({ status: 403 });
    expect(await broker.call('GET', '/api/agreements')).toMatchObject({ status: 401 });
    const { body } = await broker.call('GET', '/api/audit?action=agreement.changed&object=a1', {
      token: admin,
    });
    const outcomes = (body as { events: { outcome: string }[] }).events.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(expect.arrayContaining(['success', 'failure']));
    const read = await broker.call('GET', '/api/audit?action=agreement.read', { token: admin });
    expect((read.body as { events: unknown[] }).events.length).toBeGreaterThan(0);
  });

  it.each([
    '/nobody',
    '/nobody/ledger',
    '/nobody/guarantees',
    '/nobody/standing',
    '/nobody/report?month=2026-01',
    '/templates/nothing',
  ])('%s is not there', async (path) => {
    expect(await call('GET', path)).toMatchObject({ status: 404 });
  });
});
