import { agreementTemplateSchema } from '@medusa/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAgreementStore, openDatabase } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { openAgreements, type Agreements, type IndicatorEvent } from './index.ts';

let database: TestDatabase;
const suite = new AsyncDisposableStack();
beforeAll(async () => {
  database = suite.use(await startTestDatabase());
});
afterAll(async () => suite.disposeAsync());

const dayMs = 86_400_000;
const start = Date.UTC(2026, 2, 1);
const value = (timeInterval: string, valueExpression: string): object => ({
  interval: { timeInterval },
  valueUnit: 'EUR',
  valueExpression,
});
const guarantee = (name: string, parts: object): object => ({
  kind: 'GuaranteeTerm',
  name,
  obligated: 'ServiceProvider',
  ...parts,
});
const template = agreementTemplateSchema.parse({
  id: 'gold',
  context: { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' },
  terms: {
    kind: 'All',
    terms: [
      guarantee('start', {
        qualifyingCondition: "device.tier EQ 'production'",
        objective: { kpiName: 'session.start.seconds', target: 'p95(session.start.seconds) LT 2' },
        businessValues: { penalties: [value('P1D', '12.34'), value('P1M', '200.00')] },
        assessment: { minimumSamples: 10 },
      }),
      guarantee('available', {
        objective: { custom: 'session.availability GE 99%' },
        businessValues: { penalties: [value('P1D', '7.77')] },
        assessment: { confidence: 'exact', minimumSamples: 10 },
      }),
      guarantee('link', {
        obligated: 'ServiceConsumer',
        objective: { custom: 'mean(pacs.link.mbps) GE 100' },
        businessValues: { penalties: [value('P1D', '3.33')], rewards: [value('P1D', '0.99')] },
      }),
    ],
  },
});

/** Twenty sessions and one measurement of the link. */
function dayOf(day: number): readonly IndicatorEvent[] {
  const at = start + (day - 1) * dayMs;
  const told = (indicator: string, index: number, measured: number): IndicatorEvent => ({
    ...{ id: `${indicator}-${day}-${index}`, indicator, atMs: at + index * 60_000, value: measured },
    ...{ service: 'viewer', item: 's', conditions: { 'device.tier': day === 12 ? 'demo' : 'production' } },
  });
  const sessions = Array.from({ length: 20 }, (_, index) => [
    told('session.start.seconds', index, [3, 9, 12, 17, 20].includes(day) ? 5 : 1),
    told('session.availability', index, [4, 5, 20].includes(day) && index === 7 ? 0 : 1),
  ]);
  const link = [6, 7].includes(day) ? 80 : 500;
  return [...sessions.flat(), ...([10, 11, 13, 14].includes(day) ? [] : [told('pacs.link.mbps', 0, link)])];
}

async function live(agreements: Agreements, clock: { nowMs: number }): Promise<void> {
  await agreements.putTemplate(template);
  await agreements.create(
    { id: 'a', context: { ...template.context, templateId: 'gold' }, terms: template.terms },
    'ada',
  );
  await agreements.act('a', { event: 'accept' }, 'ada');
  for (let day = 1; day <= 31; day += 1) {
    // On the 20th nothing counts for anybody.
    if (day === 20) await agreements.act('a', { event: 'suspend' }, 'ada');
    // What happened on the 25th is told on the 28th.
    if (day !== 25) await agreements.record(dayOf(day));
    if (day === 28)
      await agreements.record(
        dayOf(25).map((event) =>
          event.indicator === 'session.availability' ? { ...event, value: 0 } : event,
        ),
      );
    clock.nowMs = start + day * dayMs;
    if (day === 20) await agreements.act('a', { event: 'resume' }, 'ada');
    await agreements.evaluateDue();
  }
}

it('a month comes to what was reckoned by hand, to the cent', async () => {
  const db = await openDatabase(await database.create('month'), () => undefined);
  suite.defer(async () => db.destroy());
  const clock = { nowMs: start };
  const fail = (error: unknown): void => {
    throw error;
  };
  const agreements = openAgreements({
    store: createAgreementStore(db),
    now: () => new Date(clock.nowMs),
    newId: () => 'n',
    report: fail,
  });

  await live(agreements, clock);

  const report = await agreements.report('a', '2026-03');
  const sumOf = (name: string, purpose: string): number =>
    report.entries
      .filter((entry) => entry.guarantee === name && entry.purpose === purpose)
      .reduce((sum, entry) => sum + Number(entry.amountMinor), 0);
  // Slow on the 3rd, 9th and 17th: 3 × 12.34 = 37.02. The 12th was on demo devices, the 20th suspended. Over the month 60 of 580
  // starts are slow, more than 5 %: 200.00, which is more, applies alone.
  expect(sumOf('start', 'penalty')).toBe(20_000);
  // 1 of 20 failed on the 4th and 5th, all on the 25th: 3 × 7.77.
  expect(sumOf('available', 'penalty')).toBe(2_331);
  // Slow on the 6th and 7th.
  expect(sumOf('link', 'penalty')).toBe(666);
  // 31 days without 2 slow ones, 4 without a measurement and 1 suspended: 24 × 0.99.
  expect(sumOf('link', 'reward')).toBe(2_376);
  // 200.00 + 23.31 + 23.76, and 6.66.
  expect(report.totals.toSorted((a, b) => (a.debtor < b.debtor ? -1 : 1))).toEqual([
    { debtor: 'ServiceConsumer', currency: 'EUR', amount: '6.66' },
    { debtor: 'ServiceProvider', currency: 'EUR', amount: '247.07' },
  ]);
  expect(report.guarantees.map(({ windows }) => windows)).toEqual([
    { fulfilled: 26, violated: 3, notDetermined: 2 },
    { fulfilled: 27, violated: 3, notDetermined: 1 },
    { fulfilled: 24, violated: 2, notDetermined: 5 },
  ]);
  expect(await agreements.verifyLedger()).toMatchObject({ kind: 'intact' });
});
