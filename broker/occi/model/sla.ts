import { actionOf, identifierOf, immutable, mutable, type AttributeDefinition } from './category.ts';
import { linkKindOf, resourceKindOf } from './core.ts';
import { mixinOf } from './infrastructure.ts';

/** GFD.228. */
const scheme = 'http://schemas.ogf.org/occi/sla#';
const operations = ['accept', 'reject', 'suspend', 'resume', 'terminate'];

export const agreementKind = resourceKindOf({
  ...{ scheme, term: 'agreement', title: 'Agreement' },
  attributes: {
    'occi.agreement.state': immutable('string', {
      values: ['pending', 'accepted', 'rejected', 'suspended', 'terminated'],
    }),
    'occi.agreement.agreedAt': immutable('string', { description: 'ISO 8601' }),
    'occi.agreement.effectiveFrom': mutable('string', { description: 'ISO 8601' }),
    'occi.agreement.effectiveUntil': mutable('string', { description: 'ISO 8601' }),
  },
  actions: operations.map((term) => actionOf(scheme, term)),
});

export const agreementLinkKind = linkKindOf({ scheme, term: 'agreement_link', title: 'Agreement link' });

export const agreementTemplateMixin = mixinOf({
  ...{ scheme, term: 'agreement_tpl', title: 'Agreement template' },
  applies: [identifierOf(agreementKind)],
});

/** What a template or an agreement is made of; each one is a mixin that depends on this one. */
export const agreementTermMixin = mixinOf({
  ...{ scheme, term: 'agreement_term', title: 'Agreement term' },
  applies: [identifierOf(agreementKind)],
});

/** Attributes of a term have the term's name before them, so that the mixins of single terms define them. */
export function termAttributes(term: string): Readonly<Record<string, AttributeDefinition>> {
  return {
    [`${term}.term.type`]: immutable('string', { values: ['SERVICE-TERM', 'SLO-TERM'] }),
    [`${term}.term.state`]: immutable('string', { values: ['undefined', 'fulfilled', 'violated'] }),
    [`${term}.term.desc`]: immutable('string'),
    [`${term}.term.remedy`]: immutable('string'),
  };
}
