import type { XmlElement } from '../../xml/index.ts';
import { readManifest } from './parse-terms.ts';
import type { Places } from './places.ts';
import { attributeOf, childOf, childrenOf, integerOf, textOf } from './vocabulary.ts';

/** An `agreement` in the spelling of ACCORDS, as the schema expects it, not yet checked. */
export function readAccords(root: XmlElement, places: Places): object {
  const groups = childrenOf(root, 'terms');
  // The manual says `provider`, the schema `serviceprovider`.
  const provider = attributeOf(root, 'serviceprovider', 'provider');
  const context = places.note(
    {
      initiator: attributeOf(root, 'initiator'),
      responder: attributeOf(root, 'responder'),
      serviceProvider: provider && (parties[provider.toLowerCase()] ?? provider),
      templateName: attributeOf(root, 'template'),
    },
    root,
  );
  return places.note(
    {
      id: attributeOf(root, 'id', 'name'),
      name: attributeOf(root, 'name'),
      context,
      terms: places.note({ kind: 'All', terms: groups.flatMap((group) => readGroup(group, places)) }, root),
    },
    root,
  );
}

const parties: Readonly<Record<string, string>> = {
  initiator: 'AgreementInitiator',
  responder: 'AgreementResponder',
};

type Group = (group: XmlElement, places: Places) => object[];

const groups: Readonly<Record<string, Group>> = {
  service: readServices,
  services: readServices,
  condition: readConditions,
  conditions: readConditions,
  guarantee: readGuarantees,
  guarantees: readGuarantees,
};

function readGroup(group: XmlElement, places: Places): object[] {
  const type = attributeOf(group, 'type')?.toLowerCase() ?? '';
  const read = Object.hasOwn(groups, type) ? groups[type] : undefined;
  if (!read)
    places.problem(group, `There are no terms of the type "${type}": services, conditions, guarantees`);
  return read?.(group, places) ?? [];
}

function nameOf(element: XmlElement): string | undefined {
  return attributeOf(element, 'name');
}

/** A manifest or a provider, in a `term` or without one. */
function readServices(group: XmlElement, places: Places): object[] {
  return group.children.map((child) => {
    const holder = child.name === 'term' ? child : { ...group, children: [child], text: '' };
    const name = nameOf(child) ?? nameOf(holder.children[0] ?? child) ?? nameOf(group);
    const term = { kind: 'ServiceDescriptionTerm', name, serviceName: name, manifest: readManifest(holder) };
    return places.note(term, child);
  });
}

function readConditions(group: XmlElement, places: Places): object[] {
  const variables = [group, ...childrenOf(group, 'term', 'variables')].flatMap((holder) =>
    childrenOf(holder, 'variable'),
  );
  const name = nameOf(group) ?? 'conditions';
  const properties = variables.map((variable) =>
    places.note(
      {
        // The manual's text says cords.placement, what was run says occi.placement.
        property: attributeOf(variable, 'property', 'name')?.replace(
          /^cords\.placement\./,
          'occi.placement.',
        ),
        value: attributeOf(variable, 'value') ?? variable.text,
      },
      variable,
    ),
  );
  return [places.note({ kind: 'PlacementConditions', name, serviceName: name, properties }, group)];
}

function readGuarantees(group: XmlElement, places: Places): object[] {
  return childrenOf(group, 'guarantee', 'term').map((element) => {
    const holder = childOf(element, 'guarantee') ?? element;
    const scope = attributeOf(holder, 'scope');
    const isConsumer = /consumer|customer/i.test(attributeOf(holder, 'obligated', 'obligation') ?? '');
    return places.note(
      {
        kind: 'GuaranteeTerm',
        name: nameOf(holder) ?? nameOf(element),
        obligated: isConsumer ? 'ServiceConsumer' : 'ServiceProvider',
        scopes: scope ? [{ serviceName: scope }] : [],
        qualifyingCondition: attributeOf(holder, 'qualifying'),
        objective: readObjective(holder, places),
        businessValues: readBusinessValues(holder, places),
      },
      element,
    );
  });
}

/** All of its variables must be met: each a condition, or a property, a comparison and a value. */
function readObjective(holder: XmlElement, places: Places): object | undefined {
  const variables = childrenOf(holder, 'variable');
  const conditions = variables.map((variable) => {
    const property = attributeOf(variable, 'property', 'name') ?? '';
    const condition = attributeOf(variable, 'condition', 'operator') ?? 'EQ';
    const value = attributeOf(variable, 'value');
    return value === undefined ? condition : `${property} ${condition} ${value}`;
  });
  const [first] = variables;
  return first && places.note({ custom: conditions.join(' AND ') }, first);
}

function readBusinessValues(holder: XmlElement, places: Places): object {
  const values = childrenOf(holder, 'business', 'penalty', 'reward').map((element) => {
    const kind = attributeOf(element, 'type', 'nature') ?? element.name;
    const count = attributeOf(element, 'count');
    const interval =
      count === undefined
        ? { timeInterval: attributeOf(element, 'interval', 'period') ?? 'P1M' }
        : { count: integerOf(count) };
    const value = {
      interval,
      valueUnit: attributeOf(element, 'unit', 'units', 'currency'),
      valueExpression: attributeOf(element, 'value', 'expression', 'amount') ?? textOf(element),
    };
    return { isReward: kind.toLowerCase() === 'reward', value: places.note(value, element) };
  });
  return {
    importance: integerOf(attributeOf(holder, 'importance')),
    penalties: values.filter(({ isReward }) => !isReward).map(({ value }) => value),
    rewards: values.filter(({ isReward }) => isReward).map(({ value }) => value),
  };
}
