import type {
  AgreementContext,
  AgreementOffer,
  AgreementTemplate,
  BusinessValue,
  CreationConstraints,
  GuaranteeTerm,
  LeafTerm,
  Restriction,
  Term,
} from '@medusa/protocol';
import { writeXml, type NewElement } from '../../xml/index.ts';
import { medusaNamespace, schemaNamespace, wsagNamespace } from './vocabulary.ts';

/** A template as `wsag:Template` of GFD.192. */
export function renderTemplate(template: AgreementTemplate): string {
  return writeXml(templateElement(template));
}

/** An offer or an agreement as GFD.192's agreement type. */
export function renderAgreement(document: AgreementOffer, kind: 'offer' | 'agreement'): string {
  const root = kind === 'offer' ? 'AgreementOffer' : 'Agreement';
  return writeXml(element(root, { 'wsag:AgreementId': document.id, ...namespaces }, partsOf(document)));
}

const namespaces = {
  'xmlns:wsag': wsagNamespace,
  'xmlns:medusa': medusaNamespace,
  'xmlns:xs': schemaNamespace,
};

function templateElement(template: AgreementTemplate): NewElement {
  const constraints = constraintsElement(template.creationConstraints);
  return element('Template', { 'wsag:TemplateId': template.id, ...namespaces }, [
    ...partsOf(template),
    constraints,
  ]);
}

type Child = NewElement | undefined;
type Attributes = Readonly<Record<string, string | undefined>>;

function element(name: string, attributes: Attributes, children: readonly Child[]): NewElement {
  return { name: `wsag:${name}`, attributes, children };
}

function leaf(name: string, text: string | undefined, attributes: Attributes = {}): Child {
  return text === undefined ? undefined : { name: `wsag:${name}`, attributes, text };
}

function partsOf({ name, context, terms }: AgreementOffer): readonly Child[] {
  return [leaf('Name', name), contextElement(context), element('Terms', {}, [termElement(terms)])];
}

function contextElement(context: AgreementContext): NewElement {
  return element('Context', {}, [
    leaf('AgreementInitiator', context.initiator),
    leaf('AgreementResponder', context.responder),
    leaf('ServiceProvider', context.serviceProvider),
    leaf('ExpirationTime', context.expirationTime),
    leaf('TemplateId', context.templateId),
    leaf('TemplateName', context.templateName),
  ]);
}

function termElement(term: Term): NewElement {
  return 'terms' in term ? element(term.kind, {}, term.terms.map(termElement)) : leafElement(term);
}

function leafElement(term: LeafTerm): NewElement {
  if (term.kind === 'GuaranteeTerm') return guaranteeElement(term);
  const names = { 'wsag:Name': term.name, 'wsag:ServiceName': term.serviceName };
  switch (term.kind) {
    case 'ServiceDescriptionTerm':
      return element(term.kind, names, [manifestElement(term.manifest)]);
    case 'PlacementConditions':
      return element('ServiceDescriptionTerm', names, [
        {
          name: 'medusa:Placement',
          children: term.properties.map(({ property, value }) => ({
            name: 'medusa:Condition',
            attributes: { 'medusa:Property': property, 'medusa:Value': value },
          })),
        },
      ]);
    case 'ServiceReference':
      return { name: `wsag:${term.kind}`, attributes: names, text: term.endpoint };
    case 'ServiceProperties':
      return element(term.kind, names, [
        element(
          'VariableSet',
          {},
          term.variables.map(({ name, metric, location }) =>
            element('Variable', { 'wsag:Name': name, 'wsag:Metric': metric }, [leaf('Location', location)]),
          ),
        ),
      ]);
  }
}

function manifestElement(
  manifest: Extract<LeafTerm, { kind: 'ServiceDescriptionTerm' }>['manifest'],
): NewElement {
  return 'name' in manifest
    ? { name: 'medusa:Manifest', attributes: { 'medusa:Name': manifest.name } }
    : { name: 'medusa:Manifest', text: manifest.inline };
}

function guaranteeElement(term: GuaranteeTerm): NewElement {
  const { importance, penalties, rewards, preferences } = term.businessValues;
  const attributes = { 'wsag:Name': term.name, 'wsag:Obligated': term.obligated };
  return element(term.kind, attributes, [
    ...term.scopes.map(({ serviceName, item = '' }) =>
      leaf('ServiceScope', item, { 'wsag:ServiceName': serviceName }),
    ),
    leaf('QualifyingCondition', term.qualifyingCondition),
    objectiveElement(term),
    element('BusinessValueList', {}, [
      leaf('Importance', importance?.toString()),
      ...penalties.map((penalty) => businessValueElement('Penalty', penalty)),
      ...rewards.map((reward) => businessValueElement('Reward', reward)),
      preferences.length === 0
        ? undefined
        : element(
            'Preference',
            {},
            preferences.flatMap(({ serviceTermReference, utility }) => [
              leaf('ServiceTermReference', serviceTermReference),
              leaf('Utility', String(utility)),
            ]),
          ),
    ]),
  ]);
}

function objectiveElement({ objective, assessment }: GuaranteeTerm): NewElement {
  const judged = {
    'medusa:Window': assessment.window,
    'medusa:MinimumSamples': String(assessment.minimumSamples),
    'medusa:Confidence': assessment.confidence,
  };
  const level =
    'custom' in objective
      ? leaf('CustomServiceLevel', objective.custom, judged)
      : element('KPITarget', {}, [
          leaf('KPIName', objective.kpiName),
          leaf('Target', objective.target, judged),
        ]);
  return element('ServiceLevelObjective', {}, [level]);
}

function businessValueElement(name: 'Penalty' | 'Reward', value: BusinessValue): NewElement {
  const { interval, valueUnit, valueExpression } = value;
  const stretch =
    'count' in interval ? leaf('Count', String(interval.count)) : leaf('TimeInterval', interval.timeInterval);
  return element(name, {}, [
    element('AssessmentInterval', {}, [stretch]),
    leaf('ValueUnit', valueUnit),
    leaf('ValueExpression', valueExpression),
  ]);
}

function constraintsElement({ items, constraints }: CreationConstraints): Child {
  if (items.length === 0 && constraints.length === 0) return undefined;
  return element('CreationConstraints', {}, [
    ...items.map(({ name, location, restriction }) =>
      element('Item', { 'wsag:Name': name }, [
        leaf('Location', location),
        element('ItemConstraint', {}, [restrictionElement(restriction)]),
      ]),
    ),
    ...constraints.map((constraint) => leaf('Constraint', constraint)),
  ]);
}

function restrictionElement({ base, enumeration, ...facets }: Restriction): NewElement {
  const facet = (name: string, value: string): NewElement => ({ name: `xs:${name}`, attributes: { value } });
  const restriction = {
    name: 'xs:restriction',
    attributes: { base: base === undefined ? undefined : `xs:${base}` },
    children: [
      ...enumeration.map((value) => facet('enumeration', value)),
      ...Object.entries(facets)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => facet(name, String(value))),
    ],
  };
  return { name: 'xs:simpleType', children: [restriction] };
}
