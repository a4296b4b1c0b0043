import {
  agreementOfferSchema,
  agreementTemplateSchema,
  type AgreementTemplate,
  type Term,
} from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml, type XmlElement } from '../../xml/index.ts';
import { locate, parseAgreement, renderAgreement, renderTemplate } from './index.ts';

const small = {
  id: 'a1',
  context: { initiator: 'hospital', responder: 'cloud', serviceProvider: 'AgreementResponder' },
  terms: {
    kind: 'All',
    terms: [
      { kind: 'ServiceDescriptionTerm', name: 'sdt', serviceName: 'viewer', manifest: { name: 'm' } },
      {
        kind: 'GuaranteeTerm',
        name: 'start',
        obligated: 'ServiceProvider',
        objective: { kpiName: 'session.start.seconds', target: 'LT 2' },
        businessValues: {
          penalties: [
            { interval: { timeInterval: 'P1D' }, valueUnit: 'EUR', valueExpression: '10.00' },
            { interval: { timeInterval: 'P1M' }, valueUnit: 'EUR', valueExpression: '200.00' },
          ],
        },
      },
    ],
  },
};

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 .<&"'>é\n]{0,12}[a-z0-9]$/);
const someText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => agreementOfferSchema.shape.context.shape.initiator.safeParse(text).data === text);
const names = fc.oneof(word, someText);
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });
const duration = fc.constantFrom('PT15M', 'P1D', 'P1W', 'P1M', 'P1Y2M3DT4H5M6S');
const businessValue = fc.record({
  interval: fc.oneof(
    fc.record({ timeInterval: duration }),
    fc.record({ count: fc.integer({ min: 1, max: 999 }) }),
  ),
  valueUnit: maybe(fc.constantFrom('EUR', 'USD')),
  valueExpression: fc.constantFrom('25', '0.05', '1000.00'),
});
const condition = fc.constantFrom(
  'p95(session.start.seconds) LT 2',
  'x > 1 AND y <= 2',
  'tier IN (\'a\', "b")',
);
const named = { name: names, serviceName: names };
const leaf: fc.Arbitrary<Term> = fc.oneof(
  fc.record({
    kind: fc.constant('ServiceDescriptionTerm' as const),
    ...named,
    manifest: fc.oneof(fc.record({ name: names }), fc.record({ inline: names })),
  }),
  fc.record({ kind: fc.constant('ServiceReference' as const), ...named, endpoint: names }),
  fc.record({
    kind: fc.constant('ServiceProperties' as const),
    ...named,
    variables: fc.array(fc.record({ name: names, metric: names, location: maybe(names) }), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('PlacementConditions' as const),
    ...named,
    properties: fc.array(fc.record({ property: names, value: names }), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('GuaranteeTerm' as const),
    name: names,
    obligated: fc.constantFrom('ServiceProvider' as const, 'ServiceConsumer' as const),
    scopes: fc.array(fc.record({ serviceName: names, item: maybe(names) }), { maxLength: 2 }),
    qualifyingCondition: maybe(condition),
    objective: fc.oneof(
      fc.record({
        kpiName: fc.constantFrom('session.start.seconds'),
        target: fc.oneof(condition, fc.constant('LT 2')),
      }),
      fc.record({ custom: condition }),
    ),
    businessValues: fc.record({
      importance: maybe(fc.integer({ min: 0, max: 100 })),
      penalties: fc.array(businessValue, { maxLength: 3 }),
      rewards: fc.array(businessValue, { maxLength: 2 }),
      preferences: fc.array(
        fc.record({ serviceTermReference: names, utility: fc.integer({ min: 0, max: 9 }) }),
        { maxLength: 2 },
      ),
    }),
    assessment: fc.record({
      window: duration,
      minimumSamples: fc.integer({ min: 1, max: 50 }),
      confidence: fc.constantFrom('exact' as const, 'wilson-95' as const),
    }),
  }),
);
const compositor = (depth: number): fc.Arbitrary<Extract<Term, { terms: unknown }>> =>
  fc.record({
    kind: fc.constantFrom('All' as const, 'OneOrMore' as const, 'ExactlyOne' as const),
    terms: fc.array(depth === 0 ? leaf : fc.oneof(leaf, compositor(depth - 1)), { maxLength: 3 }),
  });
const instant = fc.constantFrom('2026-01-01T00:00:00Z', '2027-12-31T23:59:59.5+01:00');
const templates: fc.Arbitrary<AgreementTemplate> = fc.record({
  id: fc.stringMatching(/^[a-z0-9._-]{1,12}$/),
  name: maybe(names),
  context: fc.record({
    initiator: names,
    responder: names,
    serviceProvider: fc.constantFrom('AgreementInitiator' as const, 'AgreementResponder' as const),
    expirationTime: maybe(instant),
    templateId: maybe(names),
    templateName: maybe(names),
  }),
  terms: compositor(3),
  creationConstraints: fc.record({
    items: fc.array(
      fc.record({
        name: names,
        location: names,
        restriction: fc.record({
          base: maybe(fc.constantFrom('decimal', 'string')),
          enumeration: fc.array(names, { maxLength: 3 }),
          pattern: maybe(names),
          minInclusive: maybe(fc.constant('1')),
          maxExclusive: maybe(fc.constant('9')),
          maxLength: maybe(fc.integer({ min: 0, max: 99 })),
        }),
      }),
      { maxLength: 2 },
    ),
    constraints: fc.array(names, { maxLength: 2 }),
  }),
});

describe('parseAgreement', () => {
  it('reads back what is rendered', () => {
    fc.assert(
      fc.property(templates, (given) => {
        const template = agreementTemplateSchema.parse(given);
        expect(parseAgreement(renderTemplate(template))).toEqual({
          ok: true,
          kind: 'template',
          document: template,
        });
        const offer = agreementOfferSchema.strip().parse(template);
        expect(parseAgreement(renderAgreement(offer, 'offer'))).toEqual({
          ok: true,
          kind: 'offer',
          document: offer,
        });
      }),
    );
  });

  it.each([
    [
      'an entity bomb',
      '<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Template>&b;</Template>',
      'document type',
    ],
    ['a depth bomb', '<All>'.repeat(50_000), 'Deeper'],
    ['compositors without end', nested(30), 'terms'],
    ['something else', '<html/>', 'expected'],
  ])('refuses %s', (_what, xml, message) => {
    const read = parseAgreement(xml);
    expect(read.ok ? [] : read.problems.map((problem) => problem.message).join()).toContain(message);
  });

  it('never throws, whatever it is given', () => {
    const parts = fc.constantFrom(
      '<agreement>',
      '</agreement>',
      '<terms type="guarantees">',
      '</terms>',
      '<guarantee/>',
      '<variable value="x"/>',
    );
    const tags = [
      'Template',
      'Context',
      'Terms',
      'GuaranteeTerm',
      'ServiceLevelObjective',
      'KPITarget',
      'Item',
      'All',
      'Penalty',
    ];
    const wsag = fc.constantFrom(
      ...tags.flatMap((tag) => [`<${tag}>`, `</${tag}>`, `<${tag} Name="a"/>`]),
      'x',
      '{"constraint":1}',
    );
    const nearly = fc.array(fc.oneof(parts, wsag), { maxLength: 20 }).map((list) => list.join(''));
    const wrapped = nearly.map(
      (inner) => `<Template xmlns="http://schemas.ggf.org/graap/2007/03/ws-agreement">${inner}</Template>`,
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), nearly, wrapped),
        (xml) => void parseAgreement(xml),
      ),
    );
  });

  it('names the line and the column of what does not fit', () => {
    const xml = renderAgreement(agreementOfferSchema.parse(small), 'offer')
      .replace('>P1D<', '>tomorrow<')
      .replace('>LT 2<', '>LT (<');
    const read = parseAgreement(xml);
    const lineOf = (part: string): number => xml.split('\n').findIndex((line) => line.includes(part)) + 1;
    expect(read).toMatchObject({ ok: false, problems: [{ line: lineOf('<wsag:Penalty>'), column: 11 }] });
    expect(parseAgreement(xml.replace('tomorrow', 'P1D'))).toMatchObject({
      ok: false,
      problems: [
        {
          line: lineOf('<wsag:ServiceLevelObjective>'),
          message: expect.stringContaining('character') as string,
        },
      ],
    });
  });

  it('reads the older namespace, with the habits of its implementations', () => {
    const read =
      parseAgreement(`<wsag:AgreementOffer xmlns:wsag="http://www.ggf.org/namespaces/ws-agreement" AgreementId="a1">
      <wsag:Context>
        <wsag:AgreementInitiator>hospital</wsag:AgreementInitiator><wsag:AgreementResponder>cloud</wsag:AgreementResponder>
        <wsag:ServiceProvider>AgreementResponder</wsag:ServiceProvider>
        <wsag:ExpirationTime>2027-03-07T12:00:00+0100</wsag:ExpirationTime>
      </wsag:Context>
      <wsag:Terms><wsag:All>
        <wsag:ServiceDescriptionTerm wsag:Name="SDT" wsag:ServiceName="viewer"/>
        <wsag:GuaranteeTerm Name="start"><wsag:ServiceScope ServiceName="viewer"/>
          <wsag:ServiceLevelObjetive><wsag:KPITarget><wsag:KPIName>availability</wsag:KPIName>
            <wsag:CustomServiceLevel>{"constraint": "availability GT 0.9"}</wsag:CustomServiceLevel>
          </wsag:KPITarget></wsag:ServiceLevelObjetive>
        </wsag:GuaranteeTerm>
      </wsag:All></wsag:Terms></wsag:AgreementOffer>`);
    expect(read).toMatchObject({
      ok: true,
      document: {
        id: 'a1',
        context: { expirationTime: '2027-03-07T12:00:00+01:00' },
        terms: {
          terms: [
            { kind: 'ServiceDescriptionTerm', manifest: { name: 'viewer' } },
            {
              obligated: 'ServiceProvider',
              objective: { kpiName: 'availability', target: 'availability GT 0.9' },
            },
          ],
        },
      },
    });
  });

  it.each([
    ['serviceprovider', 'services', 'occi.placement.zone'],
    ['provider', 'service', 'cords.placement.zone'],
  ])('reads the spelling of ACCORDS with %s, %s and %s', (provider, services, property) => {
    const read =
      parseAgreement(`<agreement name="gold" initiator="hospital" responder="accords" ${provider}="responder">
      <terms name="s" type="${services}"><term name="store"><manifest name="medusa-store"/></term></terms>
      <terms name="c" type="conditions"><variable property="${property}" value="europe"/></terms>
      <terms name="g" type="guarantees">
        <guarantee name="start" obligated="provider" importance="3">
          <variable property="p95(session.start.seconds)" condition="LT" value="2"/>
          <penalty interval="P1M" unit="EUR" value="100"/><business type="reward" unit="EUR" value="5.00"/>
        </guarantee>
      </terms></agreement>`);
    expect(read).toMatchObject({
      ok: true,
      document: {
        id: 'gold',
        context: { serviceProvider: 'AgreementResponder' },
        terms: {
          terms: [
            { name: 'store', manifest: { name: 'medusa-store' } },
            {
              kind: 'PlacementConditions',
              properties: [{ property: 'occi.placement.zone', value: 'europe' }],
            },
            {
              objective: { custom: 'p95(session.start.seconds) LT 2' },
              businessValues: {
                importance: 3,
                penalties: [{ valueExpression: '100' }],
                rewards: [{ valueExpression: '5.00' }],
              },
            },
          ],
        },
      },
    });
  });

  it('keeps a manifest that is written inline', () => {
    const inline =
      '<manifest xmlns="http://www.compatibleone.fr/schemes/manifest.xsd" name="m"><node name="n"/></manifest>';
    const xml = renderAgreement(agreementOfferSchema.parse(small), 'offer').replace(
      /<medusa:Manifest[^>]*>/,
      inline,
    );
    const read = parseAgreement(xml);
    const [term] = read.ok ? read.document.terms.terms : [];
    expect(term).toMatchObject({
      manifest: { inline: expect.stringContaining('<node name="n"/>') as string },
    });
  });
});

describe('locate', () => {
  const read = readXml(renderAgreement(agreementOfferSchema.parse(small), 'offer'));
  const valuesAt = (location: string): unknown =>
    locate((read as { root: XmlElement }).root, location)?.map(({ value }) => value);

  it.each([
    ["//wsag:GuaranteeTerm[@wsag:Name='start']//wsag:ValueExpression", ['10.00', '200.00']],
    ['/wsag:AgreementOffer/wsag:Context/wsag:AgreementInitiator/text()', ['hospital']],
    ['//GuaranteeTerm/@Obligated', ['ServiceProvider']],
    ['//Penalty[2]/ValueExpression', ['200.00']],
    ['//*[@Name="nobody"]', []],
    ['count(//x)', undefined],
    ['//x[y and z]', undefined],
    ['', undefined],
  ])('%s', (location, expected) => {
    expect(valuesAt(location)).toEqual(expected);
  });
});

function nested(depth: number): string {
  const terms = `${'<All>'.repeat(depth)}${'</All>'.repeat(depth)}`;
  return `<Template TemplateId="t" xmlns="http://schemas.ggf.org/graap/2007/03/ws-agreement"><Context>
    <AgreementInitiator>a</AgreementInitiator><AgreementResponder>b</AgreementResponder>
    <ServiceProvider>AgreementResponder</ServiceProvider></Context><Terms>${terms}</Terms></Template>`;
}
