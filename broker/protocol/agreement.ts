import { z } from 'zod';
import { instantSchema } from './ids.ts';

// eslint-disable-next-line no-control-regex -- these are the ones that must not be in a document
const xmlText = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]*$/u;
/** Characters that XML 1.0 §2.2 cannot carry are refused, and white space around is not kept: a text is the same in JSON and in XML. */
const text = (most: number) => z.string().max(most).trim().regex(xmlText, 'a character that XML has not');
const filled = (most: number) => text(most).pipe(z.string().min(1, 'is empty'));
const name = filled(200);

const durationPattern =
  /^P(?=\d|T\d)(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,5}D)?(T(?=\d)(\d{1,6}H)?(\d{1,7}M)?(\d{1,9}S)?)?$/;

/** A duration of ISO 8601 (xs:duration without sign and fraction), e.g. `P1M`, `P1W`, `PT15M`. */
export const durationSchema = z.string().regex(durationPattern, 'not a duration as P1D or PT15M');

export const agreementPartySchema = z.enum(['AgreementInitiator', 'AgreementResponder']);
export const obligatedSchema = z.enum(['ServiceProvider', 'ServiceConsumer']);
export type Obligated = z.infer<typeof obligatedSchema>;

/** GFD.192, Agreement Context. */
export const agreementContextSchema = z.strictObject({
  initiator: name,
  responder: name,
  /** Which of the two provides the service; the other one consumes it. */
  serviceProvider: agreementPartySchema,
  expirationTime: instantSchema.optional(),
  templateId: name.optional(),
  templateName: name.optional(),
});
export type AgreementContext = z.infer<typeof agreementContextSchema>;

/** Over which stretch a penalty or a reward is assessed: of time, or of so many events one after the other. */
const assessmentIntervalSchema = z.union([
  z.strictObject({ timeInterval: durationSchema }),
  z.strictObject({ count: z.int().min(1).max(1_000_000) }),
]);
export type AssessmentInterval = z.infer<typeof assessmentIntervalSchema>;

const businessValueSchema = z.strictObject({
  interval: assessmentIntervalSchema,
  /** A currency of ISO 4217. */
  valueUnit: filled(40).optional(),
  /** An amount as a decimal number, e.g. `25.00`. */
  valueExpression: filled(200),
});
export type BusinessValue = z.infer<typeof businessValueSchema>;

const businessValueListSchema = z.strictObject({
  importance: z.int().min(0).max(1_000_000).optional(),
  penalties: z.array(businessValueSchema).max(20).default([]),
  rewards: z.array(businessValueSchema).max(20).default([]),
  /** How useful each alternative is. */
  preferences: z
    .array(z.strictObject({ serviceTermReference: name, utility: z.number().min(-1e6).max(1e6) }))
    .max(50)
    .default([]),
});

const objectiveSchema = z.union([
  /** `target` is a condition, e.g. `p95(session.start.seconds) LT 2`; one that begins with the comparison means the indicator. */
  z.strictObject({ kpiName: name, target: filled(2_000) }),
  z.strictObject({ custom: filled(2_000) }),
]);
export type Objective = z.infer<typeof objectiveSchema>;

const guaranteeTermSchema = z.strictObject({
  kind: z.literal('GuaranteeTerm'),
  name,
  obligated: obligatedSchema,
  /** Empty: everything. An item narrows the service, e.g. to one node. */
  scopes: z
    .array(z.strictObject({ serviceName: name, item: filled(300).optional() }))
    .max(50)
    .default([]),
  qualifyingCondition: filled(2_000).optional(),
  objective: objectiveSchema,
  businessValues: businessValueListSchema,
  /** How the objective's figures are judged. */
  assessment: z
    .strictObject({
      /** For a guarantee without penalty and reward, and for what is shown between. */
      window: durationSchema.default('P1D'),
      /** With fewer events nothing is determined. */
      minimumSamples: z.int().min(1).max(1_000_000).default(1),
      /** `wilson-95`: a proportion violates only when its 95 % interval (Wilson) lies below the target. */
      confidence: z.enum(['exact', 'wilson-95']).default('wilson-95'),
    })
    .prefault({}),
});
export type GuaranteeTerm = z.infer<typeof guaranteeTermSchema>;

const leafSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ServiceDescriptionTerm'),
    name,
    serviceName: name,
    /** By the name of a manifest that is known, or its text. */
    manifest: z.union([z.strictObject({ name }), z.strictObject({ inline: filled(100_000) })]),
  }),
  z.strictObject({ kind: z.literal('ServiceReference'), name, serviceName: name, endpoint: filled(2_000) }),
  z.strictObject({
    kind: z.literal('ServiceProperties'),
    name,
    serviceName: name,
    variables: z
      .array(z.strictObject({ name, metric: filled(300), location: filled(2_000).optional() }))
      .max(200),
  }),
  z.strictObject({
    kind: z.literal('PlacementConditions'),
    name,
    serviceName: name,
    /** E.g. `occi.placement.zone` = `europe`. */
    properties: z.array(z.strictObject({ property: name, value: text(2_000) })).max(100),
  }),
  guaranteeTermSchema,
]);
export type LeafTerm = z.infer<typeof leafSchema>;

/** GFD.192, Term Compositor Structure. */
export type TermCompositor = {
  readonly kind: 'All' | 'OneOrMore' | 'ExactlyOne';
  readonly terms: readonly Term[];
};
export type Term = LeafTerm | TermCompositor;

/** As deep as compositors may lie in each other. The schema is that deep and no deeper, so that no document exhausts the stack. */
const compositorDepth = 6;

function compositorSchema(depth: number): z.ZodType<TermCompositor> {
  const inner: z.ZodType<Term> = depth <= 1 ? leafSchema : z.union([leafSchema, compositorSchema(depth - 1)]);
  return z.strictObject({
    kind: z.enum(['All', 'OneOrMore', 'ExactlyOne']),
    terms: z.array(inner).max(300),
  });
}

export const termsSchema = compositorSchema(compositorDepth);

const facetText = text(300);
/** Facets of XML Schema Part 2 §4.3. */
const restrictionSchema = z.strictObject({
  /** A type of XML Schema by its local name, e.g. `decimal`. */
  base: z
    .string()
    .regex(/^[A-Za-z]{1,40}$/)
    .optional(),
  enumeration: z.array(facetText).max(200).default([]),
  pattern: facetText.optional(),
  minInclusive: facetText.optional(),
  maxInclusive: facetText.optional(),
  minExclusive: facetText.optional(),
  maxExclusive: facetText.optional(),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
});
export type Restriction = z.infer<typeof restrictionSchema>;

/** GFD.192, Creation Constraints: what an offer may change of its template, and how far. */
export const creationConstraintsSchema = z.strictObject({
  items: z
    .array(z.strictObject({ name, location: filled(2_000), restriction: restrictionSchema }))
    .max(200)
    .default([]),
  /** Conditions over the items by their names. */
  constraints: z.array(filled(2_000)).max(100).default([]),
});
export type CreationConstraints = z.infer<typeof creationConstraintsSchema>;

const documentIdSchema = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, points, lines');

export const agreementTemplateSchema = z.strictObject({
  id: documentIdSchema,
  name: filled(200).optional(),
  context: agreementContextSchema,
  terms: termsSchema,
  creationConstraints: creationConstraintsSchema.prefault({}),
});
export type AgreementTemplate = z.infer<typeof agreementTemplateSchema>;

/** What one party offers the other: the agreement that it would be. */
export const agreementOfferSchema = agreementTemplateSchema.omit({ creationConstraints: true });
export type AgreementOffer = z.infer<typeof agreementOfferSchema>;

/** GFD.192, Agreement States. */
export const agreementStateSchema = z.enum([
  'Pending',
  'PendingAndTerminating',
  'Observed',
  'ObservedAndTerminating',
  'Rejected',
  'Complete',
  'Terminated',
]);
export type AgreementState = z.infer<typeof agreementStateSchema>;

/** GFD.192, Guarantee States. */
export const guaranteeStateSchema = z.enum(['NotDetermined', 'Fulfilled', 'Violated']);
export type GuaranteeState = z.infer<typeof guaranteeStateSchema>;

/** GFD.228, occi.agreement.state. */
export const occiAgreementStateSchema = z.enum([
  'pending',
  'accepted',
  'rejected',
  'suspended',
  'terminated',
]);
export type OcciAgreementState = z.infer<typeof occiAgreementStateSchema>;

/** Something that was measured or seen once, e.g. one session's start. */
export const indicatorEventSchema = z.strictObject({
  /** The same event told twice counts once. */
  id: z.string().min(1).max(200),
  indicator: z.string().regex(/^[a-z][a-z0-9.-]{0,99}$/),
  at: instantSchema,
  /** In the indicator's unit; of a proportion 1 = good, 0 = bad. */
  value: z.number().min(-1e12).max(1e12),
  service: z.string().max(200),
  item: z.string().max(200),
  /** Circumstances, for qualifying conditions. */
  conditions: z.record(z.string().max(100), z.union([z.number(), z.string().max(200)])).default({}),
});
export type IndicatorEventBody = z.infer<typeof indicatorEventSchema>;

export const offerFaultSchema = z.object({ item: z.string(), reason: z.string() });

/** GFD.193, Negotiation Offer States. */
export const offerStateSchema = z.enum(['Advisory', 'Solicited', 'Acceptable', 'Rejected']);
export type OfferState = z.infer<typeof offerStateSchema>;

/** GFD.193: a negotiation offer binds nobody. */
export const offerViewSchema = z.object({
  id: z.string(),
  /** The offer that this one answers. */
  parentId: z.string().nullable(),
  templateId: z.string(),
  /** The agreement in whose place the one of this offer would be. */
  renegotiates: z.string().nullable().default(null),
  state: offerStateSchema,
  /** Why it does not fit its template, as it is. */
  faults: z.array(offerFaultSchema),
  history: z
    .array(z.object({ at: instantSchema, event: z.string(), by: z.string(), state: offerStateSchema }))
    .default([]),
  expiresAt: instantSchema,
  createdAt: instantSchema,
  document: agreementOfferSchema,
});
export type OfferView = z.infer<typeof offerViewSchema>;

export const agreementViewSchema = z.object({
  id: z.string(),
  state: agreementStateSchema,
  suspension: z.enum(['none', 'suspended']),
  /** occi.agreement.state. */
  occiState: occiAgreementStateSchema,
  templateId: z.string().nullable(),
  createdAt: instantSchema,
  observedAt: instantSchema.nullable(),
  endedAt: instantSchema.nullable(),
  terminateAt: instantSchema.nullable(),
  /** The agreement in whose place it is, and the one that is in its own. */
  supersedes: z.string().nullable().default(null),
  supersededBy: z.string().nullable().default(null),
  suspensions: z.array(z.object({ from: instantSchema, to: instantSchema.nullable() })),
  evaluatedUntil: instantSchema.nullable(),
  history: z.array(
    z.object({ at: instantSchema, event: z.string(), by: z.string(), state: agreementStateSchema }),
  ),
  document: agreementOfferSchema,
});
export type AgreementView = z.infer<typeof agreementViewSchema>;

/** What two parties agreed upon, as it is signed: nothing in it changes any more. */
export const agreedDocumentSchema = z.object({
  agreementId: z.string(),
  agreedAt: instantSchema,
  agreedBy: z.string(),
  supersedes: z.string().nullable(),
  document: agreementOfferSchema,
});
export type AgreedDocument = z.infer<typeof agreedDocumentSchema>;
/** With a JSON Web Signature in compact form (RFC 7515) over exactly that. */
export const signedAgreementSchema = z.object({ agreement: agreedDocumentSchema, signature: z.string() });
