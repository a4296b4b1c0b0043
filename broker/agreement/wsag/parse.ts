import {
  agreementOfferSchema,
  agreementTemplateSchema,
  type AgreementOffer,
  type AgreementTemplate,
} from '@medusa/protocol';
import type { z } from 'zod';
import { readXml, type XmlElement, type XmlProblem } from '../../xml/index.ts';
import { badConditionsIn } from '../conditions.ts';
import { readAccords } from './parse-accords.ts';
import { readConstraints } from './parse-constraints.ts';
import { readTerms } from './parse-terms.ts';
import { createPlaces, type Places } from './places.ts';
import { attributeOf, childOf, olderWsagNamespace, textOf, wsagNamespace } from './vocabulary.ts';

export type ParsedAgreement =
  | { readonly ok: true; readonly kind: 'template'; readonly document: AgreementTemplate }
  | { readonly ok: true; readonly kind: 'offer' | 'agreement'; readonly document: AgreementOffer }
  | { readonly ok: false; readonly problems: readonly XmlProblem[] };

const kinds: Readonly<Record<string, 'template' | 'offer' | 'agreement'>> = {
  Template: 'template',
  AgreementOffer: 'offer',
  Agreement: 'agreement',
};

/**
 * Reads a template, an offer or an agreement: WS-Agreement (GFD.192; also in the namespace that came before), or an `agreement` as
 * ACCORDS spells it. Each problem has its line and column. Never throws.
 */
export function parseAgreement(xml: string): ParsedAgreement {
  const read = readXml(xml);
  if (!read.ok) return { ok: false, problems: [read.problem] };
  const { root } = read;
  const places = createPlaces(root);
  if (root.name === 'agreement') return checked(readAccords(root, places), { kind: 'agreement', places });
  const kind = Object.hasOwn(kinds, root.name) ? kinds[root.name] : undefined;
  const isKnown = root.namespace === wsagNamespace || root.namespace === olderWsagNamespace;
  if (kind && isKnown) return checked(readDocument(root, kind, places), { kind, places });
  const { line, column } = root;
  const message = `A Template, AgreementOffer or Agreement of ${wsagNamespace} was expected, not ${root.name}`;
  return { ok: false, problems: [{ line, column, message }] };
}

type Origin = { readonly kind: 'template' | 'offer' | 'agreement'; readonly places: Places };

function checked(document: object, { kind, places }: Origin): ParsedAgreement {
  const parsed = (kind === 'template' ? agreementTemplateSchema : agreementOfferSchema).safeParse(document);
  if (!parsed.success)
    return { ok: false, problems: [...places.problems, ...told(parsed.error, document, places)] };
  const bad = badConditionsIn(parsed.data.terms).map(({ path, message }) => ({
    ...places.find(document, ['terms', ...path]),
    message,
  }));
  const problems = [...places.problems, ...bad];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, kind, document: parsed.data } as ParsedAgreement;
}

function told(error: z.ZodError, document: object, places: Places): readonly XmlProblem[] {
  return flat(error.issues).map(({ path, message }) => ({
    ...places.find(document, path),
    message: `${path.map(String).join('.')}: ${message}`,
  }));
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

/** Of what is one of several, the deepest complaint is about the one that was meant. */
function flat(issues: readonly z.core.$ZodIssue[]): readonly Issue[] {
  return issues.flatMap((issue): readonly Issue[] => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
    const branches = issue.errors.map((branch) =>
      flat(branch).map(({ path, message }) => ({ path: [...issue.path, ...path], message })),
    );
    const depthOf = (branch: readonly Issue[]): number =>
      Math.max(0, ...branch.map(({ path }) => path.length));
    return branches.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? [issue];
  });
}

function readDocument(root: XmlElement, kind: Origin['kind'], places: Places): object {
  const context = childOf(root, 'Context');
  const terms = childOf(root, 'Terms');
  const document = {
    id: attributeOf(root, 'TemplateId', 'AgreementId'),
    name: textOf(childOf(root, 'Name')),
    context: context && readContext(context, places),
    terms: terms && readTerms(terms, places),
  };
  if (kind !== 'template') return places.note(document, root);
  const constraints = childOf(root, 'CreationConstraints');
  return places.note({ ...document, creationConstraints: readConstraints(constraints, places) }, root);
}

function readContext(context: XmlElement, places: Places): object {
  const expiration = textOf(childOf(context, 'ExpirationTime'));
  return places.note(
    {
      initiator: partyOf(childOf(context, 'AgreementInitiator')),
      responder: partyOf(childOf(context, 'AgreementResponder')),
      serviceProvider: textOf(childOf(context, 'ServiceProvider')),
      expirationTime: expiration && instantOf(expiration),
      templateId: textOf(childOf(context, 'TemplateId')),
      templateName: textOf(childOf(context, 'TemplateName')),
    },
    context,
  );
}

/** A party is any content: a text, or an endpoint reference whose address names it. */
function partyOf(element: XmlElement | undefined): string | undefined {
  if (!element) return undefined;
  return (
    textOf(element) ?? element.children.map((child) => partyOf(child)).find((found) => found !== undefined)
  );
}

/** xs:dateTime also without an offset, which is then UTC; some write it without the colon. */
function instantOf(text: string): string {
  const withColon = text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
  return /(?:Z|[+-]\d\d:\d\d)$/.test(withColon) ? withColon : `${withColon}Z`;
}
