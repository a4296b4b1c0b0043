import { writeXml, type NewElement, type XmlElement } from '../../xml/index.ts';
import type { Places } from './places.ts';
import { attributeOf, childOf, childrenOf, integerOf, medusaNamespace, textOf } from './vocabulary.ts';

const compositors = ['All', 'OneOrMore', 'ExactlyOne'];

/** The terms of an agreement as the schema expects them, not yet checked. Leaves without a compositor are all meant. */
export function readTerms(element: XmlElement, places: Places): object {
  const [only, ...others] = element.children;
  if (only && others.length === 0 && compositors.includes(only.name)) return readCompositor(only, places);
  return places.note(
    { kind: 'All', terms: element.children.map((child) => readTerm(child, places)) },
    element,
  );
}

function readCompositor(element: XmlElement, places: Places): object {
  const terms = element.children.map((child) => readTerm(child, places));
  return places.note({ kind: element.name, terms }, element);
}

const readers: Readonly<Record<string, (element: XmlElement, places: Places) => object>> = {
  ...Object.fromEntries(compositors.map((name) => [name, readCompositor])),
  ServiceDescriptionTerm: readDescription,
  ServiceReference: (element) => ({
    kind: 'ServiceReference',
    ...named(element),
    endpoint: endpointOf(element),
  }),
  ServiceProperties: readProperties,
  GuaranteeTerm: readGuarantee,
};

function readTerm(element: XmlElement, places: Places): object {
  const read = Object.hasOwn(readers, element.name) ? readers[element.name] : undefined;
  if (!read) places.problem(element, `${element.name} is no term of WS-Agreement`);
  return places.note(read?.(element, places) ?? {}, element);
}

function named(element: XmlElement): object {
  const serviceName = attributeOf(element, 'ServiceName');
  return { name: attributeOf(element, 'Name') ?? serviceName, serviceName };
}

function readDescription(element: XmlElement, places: Places): object {
  const placement = element.children.find(
    ({ name, namespace }) => name === 'Placement' && namespace === medusaNamespace,
  );
  if (!placement)
    return { kind: 'ServiceDescriptionTerm', ...named(element), manifest: readManifest(element) };
  const properties = childrenOf(placement, 'Condition').map((condition) =>
    places.note(
      { property: attributeOf(condition, 'Property'), value: attributeOf(condition, 'Value') },
      condition,
    ),
  );
  return { kind: 'PlacementConditions', ...named(element), properties };
}

/** By name when nothing but a name is there; else the text of what is there. */
export function readManifest(element: XmlElement): object {
  const [content] = element.children;
  if (!content)
    return element.text === '' ? { name: attributeOf(element, 'ServiceName') } : { inline: element.text };
  const isBare = content.children.length === 0 && content.attributes.size <= 1;
  const name = attributeOf(content, 'Name', 'name');
  if (isBare && name !== undefined) return { name };
  if (content.namespace === medusaNamespace && content.name === 'Manifest') return { inline: content.text };
  return { inline: xmlOf(content) };
}

/** An element of a stranger as a text. Prefixes are gone: each element says its namespace itself where it differs. */
function xmlOf(element: XmlElement): string {
  const copy = ({ name, namespace, attributes, children, text }: XmlElement, around: string): NewElement => ({
    name,
    attributes: {
      ...(namespace === around ? {} : { xmlns: namespace }),
      ...Object.fromEntries(Array.from(attributes, ([key, value]) => [key.replace(/^.*:/, ''), value])),
    },
    children: children.map((child) => copy(child, namespace)),
    text,
  });
  return writeXml(copy(element, '')).trim();
}

function endpointOf(element: XmlElement): string | undefined {
  return textOf(element) ?? element.children.map(endpointOf).find((found) => found !== undefined);
}

function readProperties(element: XmlElement, places: Places): object {
  const variables = childrenOf(childOf(element, 'VariableSet') ?? childOf(element, 'Variables'), 'Variable');
  return {
    kind: 'ServiceProperties',
    ...named(element),
    variables: variables.map((variable) =>
      places.note(
        {
          name: attributeOf(variable, 'Name'),
          metric: attributeOf(variable, 'Metric'),
          location: textOf(childOf(variable, 'Location')),
        },
        variable,
      ),
    ),
  };
}

function readGuarantee(element: XmlElement, places: Places): object {
  // Early implementations misspell the element.
  const objective = childOf(element, 'ServiceLevelObjective', 'ServiceLevelObjetive');
  return {
    kind: 'GuaranteeTerm',
    name: attributeOf(element, 'Name'),
    obligated: attributeOf(element, 'Obligated') ?? 'ServiceProvider',
    scopes: childrenOf(element, 'ServiceScope').map((scope) =>
      places.note({ serviceName: attributeOf(scope, 'ServiceName'), item: textOf(scope) }, scope),
    ),
    qualifyingCondition: textOf(childOf(element, 'QualifyingCondition')),
    objective: objective && places.note(readObjective(objective), objective),
    businessValues: readBusinessValues(childOf(element, 'BusinessValueList'), places),
    assessment: objective && readAssessment(objective),
  };
}

function readObjective(objective: XmlElement): object {
  const kpi = childOf(objective, 'KPITarget');
  if (!kpi)
    return { custom: constraintOf(textOf(childOf(objective, 'CustomServiceLevel')) ?? objective.text) };
  const target = textOf(childOf(kpi, 'Target')) ?? textOf(childOf(kpi, 'CustomServiceLevel'));
  return { kpiName: textOf(childOf(kpi, 'KPIName')), target: target && constraintOf(target) };
}

/** Some put the condition into JSON, as `{"constraint": "availability GT 0.9"}`. */
function constraintOf(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const { constraint } = JSON.parse(text) as { constraint?: unknown };
    return typeof constraint === 'string' ? constraint : text;
  } catch {
    return text;
  }
}

function readAssessment(objective: XmlElement): object | undefined {
  const holder =
    childOf(childOf(objective, 'KPITarget'), 'Target') ?? childOf(objective, 'CustomServiceLevel');
  const members = {
    window: attributeOf(holder, 'Window'),
    minimumSamples: integerOf(attributeOf(holder, 'MinimumSamples')),
    confidence: attributeOf(holder, 'Confidence'),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function readBusinessValues(list: XmlElement | undefined, places: Places): object {
  const values = (name: string): object[] =>
    childrenOf(list, name).map((value) => places.note(readBusinessValue(value), value));
  return {
    importance: integerOf(textOf(childOf(list, 'Importance'))),
    penalties: values('Penalty'),
    rewards: values('Reward'),
    preferences: childrenOf(list, 'Preference').flatMap(readPreferences),
  };
}

function readBusinessValue(value: XmlElement): object {
  const interval = childOf(value, 'AssessmentInterval', 'AssesmentInterval');
  const count = textOf(childOf(interval, 'Count'));
  const timeInterval = textOf(childOf(interval, 'TimeInterval')) ?? textOf(interval);
  return {
    interval: count === undefined ? { timeInterval } : { count: integerOf(count) },
    valueUnit: textOf(childOf(value, 'ValueUnit')),
    valueExpression: textOf(childOf(value, 'ValueExpression', 'ValueExpr')),
  };
}

/** Pairs, one after the other. */
function readPreferences(preference: XmlElement): object[] {
  const utilities = childrenOf(preference, 'Utility');
  return childrenOf(preference, 'ServiceTermReference').map((reference, index) => ({
    serviceTermReference: textOf(reference),
    utility: Number(textOf(utilities[index]) ?? NaN),
  }));
}
