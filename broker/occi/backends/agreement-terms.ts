import type { AgreementTemplate, GuaranteeState, LeafTerm, Term, TermCompositor } from '@medusa/protocol';
import { leavesOf } from '../../agreement/index.ts';
import {
  agreementKind,
  agreementTemplateMixin,
  agreementTermMixin,
  identifierOf,
  mixinOf,
  termAttributes,
  wsAgreementMixin,
  type Mixin,
  type OcciValue,
} from '../model/index.ts';
import { termOf } from './term.ts';

const applies = [identifierOf(agreementKind)];

/** Each template is a mixin: who gives it to a new agreement makes that agreement of it (GFD.228, Agreement Template). */
export function templateMixinOf({ id, name }: Pick<AgreementTemplate, 'id' | 'name'>): Mixin {
  const term = termOf(id);
  return mixinOf({
    ...{ scheme: 'http://medusa.example/occi/agreement_tpl#', term, applies },
    title: `Agreement template: ${name ?? id}`,
    depends: [agreementTemplateMixin, wsAgreementMixin].map(identifierOf),
    location: `/mixins/agreement_tpl/${term}/`,
  });
}

/** Each term is a mixin with attributes of its own name (GFD.228, Agreement Term). */
export function termMixinOf({ name }: Pick<LeafTerm, 'name'>): Mixin {
  const term = termOf(name);
  return mixinOf({
    ...{ scheme: 'http://medusa.example/occi/agreement_term#', term, applies },
    title: `Agreement term: ${name}`,
    depends: [identifierOf(agreementTermMixin)],
    location: `/mixins/agreement_term/${term}/`,
    attributes: termAttributes(term),
  });
}

export function mixinsOfTemplates(templates: readonly AgreementTemplate[]): readonly Mixin[] {
  const terms = templates.flatMap((template) => leavesOf(template.terms).map(termMixinOf));
  return [
    ...templates.map(templateMixinOf),
    ...new Map(terms.map((mixin) => [identifierOf(mixin), mixin])).values(),
  ];
}

const states: Readonly<Record<GuaranteeState, string>> = {
  NotDetermined: 'undefined',
  Fulfilled: 'fulfilled',
  Violated: 'violated',
};

/** What is told of a term. Of those that nothing is measured for, the state is undefined for ever. */
export function termEntries(leaf: LeafTerm, state: GuaranteeState): readonly [string, OcciValue | null][] {
  const term = termOf(leaf.name);
  const isObjective = leaf.kind === 'GuaranteeTerm';
  return [
    [`${term}.term.type`, isObjective ? 'SLO-TERM' : 'SERVICE-TERM'],
    [`${term}.term.state`, isObjective ? states[state] : states.NotDetermined],
    [`${term}.term.desc`, descriptionOf(leaf)],
    [`${term}.term.remedy`, isObjective ? remedyOf(leaf) : null],
  ];
}

function descriptionOf(leaf: LeafTerm): string {
  if (leaf.kind !== 'GuaranteeTerm') return `${leaf.kind} of ${leaf.serviceName}`;
  const { objective } = leaf;
  return 'custom' in objective ? objective.custom : `${objective.kpiName}: ${objective.target}`;
}

/** What is owed for a breach, e.g. `10.50 EUR for P1D`. */
function remedyOf({ businessValues }: Extract<LeafTerm, { kind: 'GuaranteeTerm' }>): string | null {
  const words = businessValues.penalties.map(({ interval, valueUnit, valueExpression }) => {
    const over = 'count' in interval ? `${interval.count} events` : interval.timeInterval;
    return `${valueExpression} ${valueUnit ?? ''} for ${over}`;
  });
  return words.length === 0 ? null : words.join('; ');
}

/** A template's terms with those of its alternatives that are asked for; those of all compositors are always in. */
export function chosenTerms(terms: TermCompositor, asked: ReadonlySet<string>): TermCompositor {
  const isAsked = (term: Term): boolean =>
    leavesOf(term).some((leaf) => asked.has(identifierOf(termMixinOf(leaf))));
  const kept = terms.kind === 'All' ? terms.terms : terms.terms.filter(isAsked);
  return { ...terms, terms: kept.map((term) => ('terms' in term ? chosenTerms(term, asked) : term)) };
}
