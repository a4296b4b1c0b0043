import { randomUUID } from 'node:crypto';
import { agreementTemplateSchema, type AgreementOffer, type LedgerEntry } from '@medusa/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgreementStore, openDatabase, type Db } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { openAgreements, type Agreements, type IndicatorEvent } from './index.ts';
import { balance } from './ledger.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 2, 1);
const template = agreementTemplateSchema.parse({
  id: 'gold',
  context: { initiator: 'anybody', responder: 'medusa', serviceProvider: 'AgreementResponder' },
  terms: {
    kind: 'All',
    terms: [
      { kind: 'ServiceDescriptionTerm', name: 'viewer', serviceName: 'viewer', manifest: { name: 'medusa' } },
      {
        kind: 'GuaranteeTerm',
        name: 'start',
        obligated: 'ServiceProvider',
        objective: { kpiName: 'session.start.seconds', target: 'p95(session.start.seconds) LT 2' },
        businessValues: {
          penalties: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '10.50' }],
          rewards: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '0.25' }],
        },
      },
      {
        kind: 'GuaranteeTerm',
        name: 'available',
        obligated: 'ServiceProvider',
        objective: { custom: 'session.availability GE 99%' },
        businessValues: {},
      },
    ],
  },
  creationConstraints: {
    items: [{ name: 'customer', location: '//wsag:AgreementInitiator', restriction: { maxLength: 20 } }],
  },
});

let database: TestDatabase;
const suite = new AsyncDisposableStack();

beforeAll(async () => {
  database = suite.use(await startTestDatabase());
});
afterAll(async () => suite.disposeAsync());

type Clock = { nowMs: number };
type Opened = AsyncDisposable & { agreements: Agreements; db: Db; url: string; clock: Clock };

async function open(url?: string, clock: Clock = { nowMs: start }): Promise<Opened> {
  const databaseUrl = url ?? (await database.create(`t${randomUUID().replaceAll('-', '')}`));
  const failed = (error: unknown): void => {
    throw error;
  };
  const db = await openDatabase(databaseUrl, failed);
  const agreements = openAgreements({
    store: createAgreementStore(db),
    now: () => new Date(clock.nowMs),
    newId: randomUUID,
    report: failed,
  });
  return { agreements, db, clock, url: databaseUrl, [Symbol.asyncDispose]: async () => db.destroy() };
}

function offerOf(id: string, more: Partial<AgreementOffer['context']> = {}): AgreementOffer {
  const context = { ...template.context, initiator: 'hospital', templateId: 'gold', ...more };
  return { id, context, terms: template.terms };
}

async function observed(agreements: Agreements, id = 'a'): Promise<void> {
  await agreements.putTemplate(template);
  await agreements.create(offerOf(id), 'ada');
  await agreements.act(id, { event: 'accept' }, 'ada');
}

const started = (day: number, value: number, id: string = randomUUID()): IndicatorEvent => ({
  ...{ id, indicator: 'session.start.seconds', value, service: 'viewer', item: 's', conditions: {} },
  atMs: start + day * dayMs + 3_600_000,
});

async function ledgerOf(agreements: Agreements, agreementId = 'a'): Promise<readonly LedgerEntry[]> {
  return agreements.ledger({ agreementId, span: { fromMs: 0, toMs: start + 400 * dayMs }, limit: 1_000 });
}
const lines = (entries: readonly LedgerEntry[]): unknown =>
  entries.map(
    ({ purpose, kind, amountMinor, windowFrom }) =>
      `${windowFrom.slice(5, 10)} ${purpose} ${kind} ${amountMinor}`,
  );

describe('agreements', () => {
  it('book each day once, with what each is worth, and raise one alert for a breach', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await observed(agreements);
    await agreements.record([started(0, 9), started(1, 1), started(3, 1)]);
    const alerts: string[] = [];
    agreements.events.on('alerted', ({ guarantee, kind }) => alerts.push(`${guarantee} ${kind}`));
    clock.nowMs = start + 5 * dayMs;

    await agreements.evaluateDue();
    await agreements.evaluateDue();

    const entries = await ledgerOf(agreements);
    expect(lines(entries)).toEqual([
      '03-01 penalty booking 1050',
      '03-02 reward booking 25',
      '03-04 reward booking 25',
    ]);
    expect(entries.map(({ debtor }) => debtor)).toEqual([
      'ServiceProvider',
      'ServiceConsumer',
      'ServiceConsumer',
    ]);
    expect(alerts).toEqual(['start violated']);
    const assessed = await agreements.assessments({
      agreementId: 'a',
      span: { fromMs: 0, toMs: clock.nowMs },
      limit: 99,
    });
    expect(assessed.filter(({ guarantee }) => guarantee === 'start').map(({ state }) => state)).toEqual([
      ...['Violated', 'Fulfilled', 'NotDetermined', 'Fulfilled', 'NotDetermined'],
    ]);
    expect(await agreements.verifyLedger()).toEqual({ kind: 'intact', lines: 3 });
  });

  it('reverse what late events change, and write nothing when they change nothing', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await observed(agreements);
    await agreements.record([started(0, 1)]);
    clock.nowMs = start + 2 * dayMs;
    await agreements.evaluateDue();

    await agreements.record([started(0, 1.5)]);
    await agreements.evaluateDue();
    await agreements.record([started(0, 9)]);
    await agreements.evaluateDue();

    const entries = await ledgerOf(agreements);
    expect(lines(entries)).toEqual([
      '03-01 reward booking 25',
      '03-01 penalty booking 1050',
      '03-01 reward reversal -25',
    ]);
    expect(entries[2]?.reverses).toBe(entries[0]?.sequence);
    expect([...balance(entries)]).toEqual([
      ['ServiceConsumer EUR', 0n],
      ['ServiceProvider EUR', 1050n],
    ]);
    expect(await agreements.verifyLedger()).toEqual({ kind: 'intact', lines: 3 });
  });

  it('tell how each guarantee stands: what was asked of it, its latest windows, and the budget of the month', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await observed(agreements);
    const told = { indicator: 'session.availability', service: 'viewer', item: 's', conditions: {} };
    await agreements.record(
      Array.from({ length: 200 }, (_none, index) => ({
        ...told,
        id: `e${index}`,
        atMs: start + 1_000 + index,
        value: index === 0 ? 0 : 1,
      })),
    );
    clock.nowMs = start + 2 * dayMs;
    await agreements.evaluateDue();

    const { guarantees } = await agreements.standing('a');

    const [first, available] = guarantees;
    expect(first).toMatchObject({ name: 'start', target: null, budget: null });
    expect(available).toMatchObject({ name: 'available', target: 0.99, budget: { used: 1 } });
    expect(available?.budget?.left).toBeCloseTo(0.5);
    expect(available?.windows.map(({ state }) => state)).toEqual(['Fulfilled', 'NotDetermined']);
  });

  it('do not open again a bill that has been final for long', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await observed(agreements);
    await agreements.record([started(0, 1)]);
    clock.nowMs = start + 100 * dayMs;
    await agreements.evaluateDue();
    await agreements.record([started(0, 9), started(99, 9)]);
    await agreements.evaluateDue();
    expect(lines(await ledgerOf(agreements))).toEqual([
      '03-01 reward booking 25',
      '06-08 penalty booking 1050',
    ]);
  });

  it('see an event whose transaction was still open when they were evaluated', async () => {
    await using opened = await open();
    const { agreements, clock, db } = opened;
    await observed(agreements);
    clock.nowMs = start + dayMs;
    await db.transaction().execute(async (trx) => {
      await createAgreementStore(trx).record([started(0, 9)]);
      await agreements.evaluateDue();
    });
    expect(await ledgerOf(agreements)).toEqual([]);

    await agreements.evaluateDue();

    expect(lines(await ledgerOf(agreements))).toEqual(['03-01 penalty booking 1050']);
  });

  it('are evaluated by two brokers at once, and nothing is booked twice', async () => {
    await using one = await open();
    await using two = await open(one.url, one.clock);
    await one.agreements.putTemplate(template);
    const ids = Array.from({ length: 12 }, (_, index) => `a${index}`);
    for (const id of ids) {
      await one.agreements.create(offerOf(id), 'ada');
      await one.agreements.act(id, { event: 'accept' }, 'ada');
    }
    for (let day = 0; day < 8; day += 1) {
      await Promise.all([
        one.agreements.record([started(day, 9, `e${day}`)]),
        two.agreements.record([started(day, 9, `e${day}`)]),
      ]);
      one.clock.nowMs = start + (day + 1) * dayMs;
      await Promise.all([one, two, one, two].map(async ({ agreements }) => agreements.evaluateDue()));
    }
    await one.agreements.evaluateDue();

    for (const id of ids) expect(await ledgerOf(one.agreements, id)).toHaveLength(8);
    expect(await two.agreements.verifyLedger()).toEqual({ kind: 'intact', lines: 96 });
  });

  it('accrue nothing while they are suspended, and end when their time is over', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await agreements.putTemplate(template);
    const expirationTime = new Date(start + 6 * dayMs).toISOString();
    await agreements.create(offerOf('a', { expirationTime }), 'ada');
    await agreements.act('a', { event: 'accept' }, 'ada');
    clock.nowMs = start + dayMs;
    await agreements.act('a', { event: 'suspend' }, 'ada');
    clock.nowMs = start + 3 * dayMs;
    await agreements.act('a', { event: 'resume' }, 'ada');
    await agreements.record([0, 1, 2, 3, 5, 7].map((day) => started(day, 9)));
    clock.nowMs = start + 10 * dayMs;
    await agreements.evaluateDue();

    expect(lines(await ledgerOf(agreements))).toEqual([
      ...['03-01 penalty booking 1050', '03-04 penalty booking 1050', '03-06 penalty booking 1050'],
    ]);
    expect(await agreements.get('a')).toMatchObject({ state: 'Complete', endedAt: expirationTime });
    await expect(agreements.act('a', { event: 'suspend' }, 'ada')).rejects.toMatchObject({
      code: 'agreement.conflict',
    });
  });

  it('are observed until an announced termination', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await observed(agreements);
    const at = new Date(start + 2 * dayMs).toISOString();
    await agreements.act('a', { event: 'terminate', at }, 'ada');
    expect(await agreements.get('a')).toMatchObject({ state: 'ObservedAndTerminating', endedAt: null });
    clock.nowMs = start + 2 * dayMs;
    await agreements.evaluateDue();
    expect(await agreements.get('a')).toMatchObject({ state: 'Terminated', endedAt: at });
  });

  it('are made of offers that fit and have not expired', async () => {
    await using opened = await open();
    const { agreements, clock } = opened;
    await agreements.putTemplate(template);
    const bad = await agreements.offer(offerOf('a', { initiator: 'a name that is far too long' }), {
      by: 'ada',
    });
    expect(bad).toMatchObject({ state: 'Rejected', faults: [{ item: 'customer' }], parentId: null });
    await expect(agreements.createFromOffer(bad.id, 'ada')).rejects.toMatchObject({ code: 'offer.unfit' });
    clock.nowMs += dayMs;
    const good = await agreements.offer(offerOf('a'), { by: 'ada', answers: bad.id });
    expect(good).toMatchObject({ state: 'Acceptable', parentId: bad.id, expiresAt: bad.expiresAt });
    expect(await agreements.createFromOffer(good.id, 'ada')).toMatchObject({ id: 'a', state: 'Pending' });
    await expect(agreements.createFromOffer(good.id, 'ada')).rejects.toMatchObject({
      code: 'agreement.conflict',
    });
    clock.nowMs += 30 * dayMs;
    await expect(agreements.createFromOffer(good.id, 'ada')).rejects.toMatchObject({ code: 'offer.expired' });
  });

  it('have a ledger that nobody changes unseen', async () => {
    await using opened = await open();
    const { agreements, clock, db } = opened;
    await observed(agreements);
    await agreements.record([started(0, 9), started(1, 9)]);
    clock.nowMs = start + 3 * dayMs;
    await agreements.evaluateDue();
    await expect(sql`update agreement_ledger set amount_minor = '1'`.execute(db)).rejects.toThrow(
      'append-only',
    );
    await expect(sql`delete from agreement_ledger`.execute(db)).rejects.toThrow('append-only');

    await sql`alter table agreement_ledger disable trigger all`.execute(db);
    await sql`update agreement_ledger set amount_minor = '1' where sequence = 1`.execute(db);

    expect(await agreements.verifyLedger()).toMatchObject({ kind: 'broken', sequence: 1 });
  });
});
