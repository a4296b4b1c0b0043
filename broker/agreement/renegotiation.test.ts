import { randomUUID } from 'node:crypto';
import { agreementTemplateSchema, type AgreementOffer } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAgreementStore, openDatabase } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { openAgreements, type Agreements } from './index.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Noon, and not long ago: what ended longer ago is not evaluated any more. */
const start = Math.floor(Date.now() / dayMs) * dayMs - 3 * dayMs + dayMs / 2;
const template = agreementTemplateSchema.parse({
  id: 'gold',
  context: { initiator: 'anybody', responder: 'medusa', serviceProvider: 'AgreementResponder' },
  terms: {
    kind: 'All',
    terms: [
      {
        kind: 'GuaranteeTerm',
        name: 'available',
        obligated: 'ServiceProvider',
        objective: { custom: 'session.availability GE 90%' },
        businessValues: {
          penalties: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '10.00' }],
        },
        assessment: { confidence: 'exact' },
      },
    ],
  },
  creationConstraints: {
    items: [
      { name: 'customer', location: '//wsag:AgreementInitiator', restriction: { maxLength: 20 } },
      {
        name: 'penalty',
        location: '//wsag:Penalty/wsag:ValueExpression',
        restriction: { maxInclusive: '50' },
      },
    ],
  },
});

let database: TestDatabase;
let test: AsyncDisposableStack;
let agreements: Agreements;
let nowMs = start;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());
beforeEach(async ({ onTestFinished }) => {
  nowMs = start;
  test = new AsyncDisposableStack();
  onTestFinished(async () => test.disposeAsync());
  const fail = (error: unknown): void => {
    throw error;
  };
  const db = await openDatabase(await database.create(`n${randomUUID().replaceAll('-', '')}`), fail);
  test.defer(async () => db.destroy());
  agreements = openAgreements({
    store: createAgreementStore(db),
    now: () => new Date(nowMs),
    newId: randomUUID,
    report: fail,
  });
  await agreements.putTemplate(template);
});

const by = 'ada';
function offerOf(id: string, { amount = '10.00', initiator = 'hospital' } = {}): AgreementOffer {
  const context = { ...template.context, initiator, templateId: 'gold' };
  const terms = JSON.parse(
    JSON.stringify(template.terms).replace('10.00', amount),
  ) as AgreementOffer['terms'];
  return { id, context, terms };
}
const observe = async (id: string): Promise<void> => {
  await agreements.create(offerOf(id), by);
  await agreements.act(id, { event: 'accept' }, by);
};
const ended = async (id: string, value: number): Promise<number> =>
  agreements.record([
    {
      ...{ id, indicator: 'session.availability', atMs: nowMs, value },
      ...{ service: 'viewer', item: id, conditions: {} },
    },
  ]);
const booked = async (agreementId: string): Promise<string[]> =>
  (await agreements.ledger({ agreementId, span: { fromMs: 0, toMs: 9e12 }, limit: 100 })).map(
    ({ kind, amountMinor }) => `${kind} ${amountMinor}`,
  );

describe('an offer', () => {
  it('is advisory, then solicited, then acceptable once it fits, and binds nobody before', async () => {
    const open = await agreements.offer(offerOf('a', { amount: '60.00' }), { by, as: 'Advisory' });
    expect(open).toMatchObject({ state: 'Advisory', faults: [{ item: 'penalty' }] });
    await expect(agreements.actOnOffer(open.id, 'accept', by)).rejects.toMatchObject({ code: 'offer.unfit' });
    await expect(agreements.createFromOffer(open.id, by)).rejects.toMatchObject({ code: 'offer.unfit' });

    const solicited = await agreements.offer(offerOf('a'), { by, answers: open.id, as: 'Solicited' });
    await expect(agreements.createFromOffer(solicited.id, by)).rejects.toMatchObject({
      code: 'offer.conflict',
    });
    await expect(
      agreements.offer(offerOf('a'), { by, answers: solicited.id, as: 'Advisory' }),
    ).rejects.toMatchObject({ code: 'offer.conflict' });
    const accepted = await agreements.actOnOffer(solicited.id, 'accept', 'bob');
    expect(accepted.state).toBe('Acceptable');
    expect(accepted.history.map((one) => `${one.event} ${one.by} ${one.state}`)).toEqual([
      'offer ada Solicited',
      'accept bob Acceptable',
    ]);
    expect(await agreements.createFromOffer(solicited.id, by)).toMatchObject({
      ...{ id: 'a', state: 'Pending', supersedes: null },
    });
    const latest = (await agreements.offers()).find(({ id }) => id === solicited.id);
    expect(latest?.history.at(-1)).toMatchObject({ event: 'agree', state: 'Acceptable' });
  });

  it('that is rejected stays so', async () => {
    const { id } = await agreements.offer(offerOf('a'), { by });
    expect((await agreements.actOnOffer(id, 'reject', by)).state).toBe('Rejected');
    for (const event of ['accept', 'solicit', 'reject'] as const)
      await expect(agreements.actOnOffer(id, event, by)).rejects.toMatchObject({ code: 'offer.conflict' });
    await expect(agreements.createFromOffer(id, by)).rejects.toMatchObject({ code: 'offer.conflict' });
    await expect(agreements.actOnOffer('none', 'reject', by)).rejects.toMatchObject({
      code: 'offer.unknown',
    });
  });
});

describe('a renegotiation', () => {
  it('ends the old agreement at the instant that the new one is accepted', async () => {
    await observe('old');
    nowMs += minuteMs;
    const offer = await agreements.offer(offerOf('new', { amount: '20.00' }), { by, renegotiates: 'old' });
    expect(offer).toMatchObject({ state: 'Acceptable', renegotiates: 'old' });
    await agreements.createFromOffer(offer.id, by);
    expect(await agreements.get('old')).toMatchObject({ state: 'Observed', supersededBy: null });

    nowMs += minuteMs;
    const at = new Date(nowMs).toISOString();
    expect(await agreements.act('new', { event: 'accept' }, by)).toMatchObject({
      ...{ state: 'Observed', observedAt: at, supersedes: 'old' },
    });
    expect(await agreements.get('old')).toMatchObject({
      ...{ state: 'Terminated', endedAt: at, supersededBy: 'new' },
    });
    expect((await agreements.inForce('old')).id).toBe('new');
    expect((await agreements.inForce('new')).id).toBe('new');
    await expect(agreements.offer(offerOf('third'), { by, renegotiates: 'old' })).rejects.toMatchObject({
      code: 'agreement.conflict',
    });
  });

  it('counts each event for one of the two, and books for each what its own events are worth', async () => {
    await observe('old');
    nowMs += minuteMs;
    await ended('before', 0);
    nowMs += minuteMs;
    const offer = await agreements.offer(offerOf('new', { amount: '20.00' }), { by, renegotiates: 'old' });
    await agreements.createFromOffer(offer.id, by);
    await agreements.act('new', { event: 'accept' }, by);
    await ended('at the instant', 1);
    nowMs += minuteMs;
    await ended('after', 1);
    nowMs = start + 2 * dayMs;
    await agreements.evaluateDue();
    await agreements.evaluateDue();

    expect([await booked('old'), await booked('new')]).toEqual([['booking 1000'], []]);
    const span = { fromMs: 0, toMs: 9e12 };
    const eventsOf = async (agreementId: string): Promise<string[]> =>
      (await agreements.assessments({ agreementId, span, limit: 100 })).flatMap(({ eventIds }) => eventIds);
    expect([await eventsOf('old'), (await eventsOf('new')).toSorted()]).toEqual([
      ['before'],
      ['after', 'at the instant'],
    ]);
    const [oldReport, newReport] = await Promise.all(
      ['old', 'new'].map(async (id) => agreements.report(id, new Date(start).toISOString().slice(0, 7))),
    );
    expect(oldReport?.guarantees[0]?.budget?.used).toBe(1);
    expect(newReport?.guarantees[0]?.budget?.used).toBe(0);
    expect(await agreements.verifyLedger()).toEqual({ kind: 'intact', lines: 1 });
  });

  it('is between the same parties, under another id, and not of what is over', async () => {
    await observe('old');
    const faultsOf = async (document: AgreementOffer): Promise<string[]> =>
      (await agreements.offer(document, { by, renegotiates: 'old' })).faults.map(({ item }) => item);
    expect(await faultsOf(offerOf('new', { initiator: 'stranger' }))).toEqual(['initiator']);
    expect(await faultsOf(offerOf('old'))).toEqual(['id']);
    await expect(agreements.offer(offerOf('new'), { by, renegotiates: 'none' })).rejects.toMatchObject({
      code: 'agreement.unknown',
    });
    await agreements.act('old', { event: 'terminate' }, by);
    await expect(agreements.offer(offerOf('new'), { by, renegotiates: 'old' })).rejects.toMatchObject({
      code: 'agreement.conflict',
    });
  });

  it('that comes too late changes neither of the two', async () => {
    await observe('old');
    for (const id of ['one', 'two']) {
      const offer = await agreements.offer(offerOf(id), { by, renegotiates: 'old' });
      await agreements.createFromOffer(offer.id, by);
    }
    const outcomes = await Promise.allSettled(
      ['one', 'two'].map(async (id) => agreements.act(id, { event: 'accept' }, by)),
    );

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const winner = outcomes[0]?.status === 'fulfilled' ? 'one' : 'two';
    const loser = winner === 'one' ? 'two' : 'one';
    expect(await agreements.get('old')).toMatchObject({ state: 'Terminated', supersededBy: winner });
    expect(await agreements.get(loser)).toMatchObject({ state: 'Pending', observedAt: null });
  });
});

describe('what was agreed upon', () => {
  it('is told once it was accepted, and the same for ever', async () => {
    await agreements.create(offerOf('a'), by);
    await expect(agreements.agreed('a')).rejects.toMatchObject({ code: 'agreement.conflict' });
    await agreements.act('a', { event: 'accept' }, 'bob');
    const agreed = await agreements.agreed('a');
    expect(agreed).toMatchObject({ agreementId: 'a', agreedBy: 'bob', supersedes: null });
    nowMs += minuteMs;
    await agreements.act('a', { event: 'terminate' }, by);
    expect(await agreements.agreed('a')).toEqual(agreed);
  });
});
