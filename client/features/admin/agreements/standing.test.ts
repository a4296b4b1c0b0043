import { agreementOfferSchema, agreementTemplateSchema, type LedgerEntry } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import {
  actsOf,
  amountText,
  burnOf,
  customerOf,
  figureText,
  guaranteeTermsOf,
  monthsOf,
  objectiveText,
  offerTextOf,
  reversalsOf,
  stateOf,
  undetermined,
  worstOf,
  type GuaranteeStanding,
  type JudgedWindow,
} from './standing.ts';

function window(state: JudgedWindow['state'], value: number | null = null, samples = 0): JudgedWindow {
  const span = { windowFrom: '2026-03-01T00:00:00.000Z', windowTo: '2026-03-02T00:00:00.000Z' };
  return { ...span, state, revision: 0, figures: [{ name: 'x', value, samples }] };
}

function guarantee(name: string, windows: JudgedWindow[], left: number | null = null): GuaranteeStanding {
  const budget = left === null ? null : { allowed: 10, used: 10 * (1 - left), left };
  return { name, target: 0.9, budget, windows };
}

const term = (name: string): object => ({
  ...{ kind: 'GuaranteeTerm', name, obligated: 'ServiceProvider', businessValues: {} },
  objective: { kpiName: 'pacs.link.mbps', target: 'GE 100' },
});
const template = agreementTemplateSchema.parse({
  id: 'gold',
  context: { initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' },
  terms: { kind: 'All', terms: [term('a'), { kind: 'ExactlyOne', terms: [term('b'), term('c')] }] },
});

describe('how an agreement stands', () => {
  it('is as bad as its worst guarantee, and has as much budget as the one with the least', () => {
    const good = guarantee('good', [window('Violated'), window('Fulfilled')], 0.8);
    const open = guarantee('open', []);
    const bad = guarantee('bad', [window('Fulfilled'), window('Violated')], -0.5);

    expect(worstOf([good, open, bad])).toEqual({ worst: bad, budgetLeft: -0.5 });
    expect(worstOf([good, open]).worst).toBe(open);
    expect(worstOf([])).toEqual({ worst: undefined, budgetLeft: null });
    expect(stateOf(open)).toBe('NotDetermined');
  });

  it('tells how fast a window used up the budget', () => {
    expect(burnOf(window('Violated', 0.8, 50), 0.9)).toBeCloseTo(2);
    expect(burnOf(window('Fulfilled', 1, 50), 0.9)).toBe(0);
    expect(burnOf(window('NotDetermined'), 0.9)).toBeNull();
    expect(burnOf({ figures: [] }, 0.9)).toBeNull();
  });

  it('tells why nothing was determined', () => {
    const assessment = { window: 'P1D', minimumSamples: 5, confidence: 'exact' } as const;

    expect(undetermined(undefined, assessment)).toBe('no-window');
    expect(undetermined(window('NotDetermined', null, 0), assessment)).toBe('no-events');
    expect(undetermined(window('NotDetermined', null, 4), assessment)).toBe('too-few');
    expect(undetermined(window('NotDetermined', 0.9, 5), assessment)).toBe('uncertain');
  });
});

describe('a document', () => {
  it('has its guarantees wherever they lie', () => {
    expect(guaranteeTermsOf(template.terms).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('names as customer who is not the provider', () => {
    expect(customerOf(template)).toBe('hospital');
    const turned = { ...template.context, serviceProvider: 'AgreementInitiator' as const };
    expect(customerOf({ context: turned })).toBe('medusa');
  });

  it('says its objective whole, also when the target leaves out the indicator', () => {
    const [first] = guaranteeTermsOf(template.terms);
    expect(first && objectiveText(first)).toBe('pacs.link.mbps GE 100');
    expect(objectiveText({ objective: { kpiName: 'x', target: 'p95(x.y) LT 2' } })).toBe('p95(x.y) LT 2');
    expect(objectiveText({ objective: { custom: 'x.y GE 99.5%' } })).toBe('x.y GE 99.5%');
    expect(objectiveText({ objective: { kpiName: 'x.y', target: 'GE 99.5%' } })).toBe('x.y GE 99.5%');
  });

  it('that is begun from a template is an offer that names it', () => {
    const offer = agreementOfferSchema.parse(JSON.parse(offerTextOf(template)));

    expect(offer).toMatchObject({ id: 'gold-1', context: { templateId: 'gold' }, terms: template.terms });
  });
});

describe('what is shown of figures and amounts', () => {
  it.each([
    [{ name: 'p95(a.b)', value: 1.234567, samples: 9 }, 'p95(a.b) = 1.235, n = 9'],
    [{ name: 'a', value: null, samples: 0 }, 'a = –, n = 0'],
    [
      { name: 'a', value: 0.95, low: 0.9012345, high: 0.98, samples: 40 },
      'a = 0.95 (0.9012 to 0.98), n = 40',
    ],
  ])('%j', (figure, words) => {
    expect(figureText(figure)).toBe(words);
  });

  it.each([
    ['1234', 'EUR', '12.34 EUR'],
    ['-5', 'EUR', '-0.05 EUR'],
    ['500', 'JPY', '500 JPY'],
    ['1', 'KWD', '0.001 KWD'],
    ['123456789012345678901', 'EUR', '1234567890123456789.01 EUR'],
  ])('%s minor units of %s are %s', (amountMinor, currency, words) => {
    expect(amountText({ amountMinor, currency })).toBe(words);
  });

  it('a line that was taken back leads to the one that did so', () => {
    const line = (sequence: number, reverses: number | null): LedgerEntry =>
      ({ sequence, reverses }) as LedgerEntry;
    expect([...reversalsOf([line(1, null), line(2, 1), line(3, null)])]).toEqual([[1, 2]]);
  });

  it('reports go back to the month in which the agreement was made', () => {
    const now = new Date('2026-02-03T00:00:00Z');
    expect(monthsOf({ createdAt: '2025-12-31T23:59:59Z' }, now)).toEqual(['2026-02', '2026-01', '2025-12']);
    expect(monthsOf({ createdAt: '2030-01-01T00:00:00Z' }, now)).toEqual(['2026-02']);
  });
});

it.each([
  ['Pending', 'none', ['accept', 'reject', 'terminate']],
  ['Observed', 'none', ['suspend', 'terminate']],
  ['Observed', 'suspended', ['resume', 'terminate']],
  ['ObservedAndTerminating', 'none', ['suspend', 'terminate']],
  ['PendingAndTerminating', 'none', ['accept', 'reject', 'terminate']],
  ['Complete', 'none', []],
] as const)('an agreement that is %s (%s) takes %j', (state, suspension, acts) => {
  expect(actsOf({ state, suspension })).toEqual(acts);
});
