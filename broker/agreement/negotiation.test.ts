import { agreementTemplateSchema, type AgreementOffer } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { checkOffer, checkTerms, choiceFaults } from './negotiation.ts';

const guarantee = (name: string, target: string, penalty: string): object => ({
  kind: 'GuaranteeTerm',
  name,
  obligated: 'ServiceProvider',
  objective: { kpiName: 'session.start.seconds', target },
  businessValues: {
    penalties: [{ interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: penalty }],
  },
});
const template = agreementTemplateSchema.parse({
  id: 'gold',
  context: { initiator: 'anybody', responder: 'medusa', serviceProvider: 'AgreementResponder' },
  terms: {
    kind: 'All',
    terms: [
      { kind: 'ServiceDescriptionTerm', name: 'viewer', serviceName: 'viewer', manifest: { name: 'medusa' } },
      {
        kind: 'ExactlyOne',
        terms: [guarantee('fast', 'LT 2', '100.00'), guarantee('slow', 'LT 8', '20.00')],
      },
      {
        kind: 'OneOrMore',
        terms: [
          { kind: 'ServiceReference', name: 'north', serviceName: 'store', endpoint: 'dicom://north' },
          { kind: 'ServiceReference', name: 'south', serviceName: 'store', endpoint: 'dicom://south' },
        ],
      },
    ],
  },
  creationConstraints: {
    items: [
      {
        name: 'penalty',
        location: '//wsag:GuaranteeTerm//wsag:ValueExpression',
        restriction: { base: 'decimal', minInclusive: '10', maxInclusive: '100' },
      },
      {
        name: 'customer',
        location: '//wsag:AgreementInitiator',
        restriction: { pattern: '[a-z]+', maxLength: 10 },
      },
    ],
    constraints: ["penalty LE 50 OR customer EQ 'charite'"],
  },
});
const [viewer, choice, sites] = template.terms.terms;
const alternatives = (term: typeof choice): readonly unknown[] => (term && 'terms' in term ? term.terms : []);

function offerOf(terms: readonly unknown[], initiator = 'hospital'): AgreementOffer {
  const { id } = template;
  const context = { ...template.context, initiator };
  return { id, context, terms: { kind: 'All', terms } as AgreementOffer['terms'] };
}
const slow = alternatives(choice)[1];
const north = alternatives(sites)[0];
const changed = (term: unknown, from: string, to: string): unknown =>
  JSON.parse(JSON.stringify(term).replace(from, to));

describe('checkOffer', () => {
  it('takes an offer that chooses and stays within the constraints', () => {
    expect(checkOffer(offerOf([viewer, slow, north]), template)).toEqual([]);
    expect(checkOffer(offerOf([viewer, changed(slow, '20.00', '50.00'), north]), template)).toEqual([]);
  });

  it('names every item that fails', () => {
    const faults = checkOffer(
      offerOf([viewer, changed(slow, '20.00', '5.00'), north], 'Hospital 1'),
      template,
    );
    expect(faults).toEqual([
      { item: 'penalty', reason: '"5.00" is less than 10' },
      { item: 'customer', reason: '"Hospital 1" does not match [a-z]+' },
    ]);
  });

  it.each([
    [
      'both alternatives',
      [viewer, ...alternatives(choice), north],
      'fast, slow',
      'Exactly one must be chosen, not 2',
    ],
    ['neither site', [viewer, slow], 'north, south', 'One or more must be chosen, not 0'],
    ['no description', [slow, north], 'viewer', 'It is missing'],
    [
      'a term of its own',
      [viewer, slow, north, { ...(north as object), name: 'east' }],
      'east',
      'The template has no such term',
    ],
    [
      'another target',
      [viewer, changed(slow, 'LT 8', 'LT 1'), north],
      'slow',
      'It differs from the template where no item allows it',
    ],
    [
      'a broken condition',
      [viewer, changed(slow, 'LT 8', 'LT ('), north],
      'terms.1.objective',
      'character 26',
    ],
    ['a value that is no money', [viewer, changed(slow, '20.00', '20.001'), north], 'slow', 'no amount'],
    [
      'a constraint that does not hold',
      [viewer, changed(slow, '20.00', '60.00'), north],
      'penalty LE 50',
      'does not hold',
    ],
  ])('refuses %s', (...[, terms, item, reason]) => {
    expect(checkOffer(offerOf(terms), template)).toContainEqual({
      item: expect.stringContaining(item) as string,
      reason: expect.stringContaining(reason) as string,
    });
  });
});

describe('checkTerms', () => {
  it('refuses two terms of one name and two currencies in one guarantee', () => {
    const reward = { interval: { count: 10 }, valueUnit: 'USD', valueExpression: '1' };
    const two = changed(slow, '"rewards":[]', `"rewards":[${JSON.stringify(reward)}]`);
    expect(checkTerms(offerOf([two, two]).terms).map(({ reason }) => reason)).toEqual([
      'Its values are in several currencies',
      'Its values are in several currencies',
      'Two terms have this name',
    ]);
  });
});

describe('checkTerms, durations', () => {
  it.each([
    ['P1M2D', 'P1M2D is not either of months or of time'],
    ['PT30S', 'PT30S is shorter than a minute'],
  ])('refuses %s', (interval, reason) => {
    const term = changed(slow, 'P1D"},"valueUnit', `${interval}"},"valueUnit`);
    expect(checkTerms(offerOf([term]).terms)).toEqual([{ item: 'slow', reason }]);
  });
});

describe('choiceFaults', () => {
  it('asks for all of an alternative that was begun', () => {
    const leaf = (name: string) =>
      ({ kind: 'ServiceReference', name, serviceName: 's', endpoint: 'e' }) as const;
    const pair = { kind: 'All', terms: [leaf('a'), leaf('b')] } as const;
    const either = { kind: 'ExactlyOne', terms: [pair, leaf('c')] } as const;
    expect(choiceFaults(either, new Set(['a']))).toEqual([{ item: 'b', reason: 'It is missing' }]);
    expect(choiceFaults(either, new Set(['c']))).toEqual([]);
  });
});
