import {
  agreementAlertSchema,
  agreementReportSchema,
  agreementTemplateSchema,
  agreementViewSchema,
  AppError,
  assessmentViewSchema,
  indicatorEventSchema,
  instantSchema,
  ledgerEntrySchema,
  offerViewSchema,
  parseInput,
  type AgreementView,
} from '@medusa/protocol';
import type { Request, Response } from 'express';
import { z } from 'zod';
import {
  indicators,
  occiStateOf,
  renderAgreement,
  renderReportPdf,
  renderTemplate,
  type AgreementRecord,
  type Agreements,
} from '../../agreement/index.ts';
import type { AuditTrail } from '../../audit/index.ts';
import type { BrokerKeys } from '../../identity/index.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';
import { documentBodySchema, readOffer, readTemplate, sendDocument } from './agreement-documents.ts';
import { audited } from './audited.ts';

type AgreementRoutesDeps = {
  readonly agreements: Agreements;
  readonly audit: AuditTrail;
  readonly keys: Pick<BrokerKeys, 'signReport'>;
};

const byId = z.object({ id: z.string().min(1).max(100) });
const access = ['admin'] as const;
const spanQuery = z.strictObject({
  /** Of the windows' ends. */
  from: instantSchema.default('1970-01-01T00:00:00Z'),
  to: instantSchema.default('9000-01-01T00:00:00Z'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

/** Templates, negotiation, agreements and what became of them, for administrators. Changes and reports are on the audit trail. */
export function agreementRoutes(deps: AgreementRoutesDeps): RouteDefinition[] {
  return [
    ...templateRoutes(deps),
    ...offerRoutes(deps),
    knownIndicators(),
    indicatorRoute(deps),
    ledgerVerification(deps),
    ...lifeRoutes(deps),
    ...outcomeRoutes(deps),
    drillDownRoute(deps),
    reportRoute(deps),
  ];
}

function templateRoutes({ agreements, audit }: AgreementRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/agreements/templates',
      summary: 'Templates of agreements',
      access,
      response: z.object({ templates: z.array(agreementTemplateSchema) }),
      handle: async () => ({ body: { templates: [...(await agreements.templates())] } }),
    }),
    route({
      method: 'post',
      path: '/api/agreements/templates',
      summary:
        'Keep a template, as JSON or as a WS-Agreement document (application/xml); one of the same id is replaced',
      access,
      body: documentBodySchema,
      response: agreementTemplateSchema,
      status: 201,
      handle: async ({ body, caller }) => {
        const template = readTemplate(body);
        const change = {
          audit,
          caller,
          action: 'agreement.changed',
          objectId: template.id,
          asked: { template: template.id },
        } as const;
        await audited(change, async () => agreements.putTemplate(template));
        return { body: template, location: `/api/agreements/templates/${template.id}` };
      },
    }),
    streamRoute({
      method: 'get',
      path: '/api/agreements/templates/:id',
      summary: 'A template, as application/json or application/xml',
      access,
      stream: async ({ req, res }) => {
        const template = await agreements.template(parseInput(byId, req.params).id);
        sendDocument(req, res, { json: template, xml: renderTemplate(template) });
      },
    }),
  ];
}

function offerRoutes({ agreements, audit }: AgreementRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/agreements/offers',
      summary: 'Offers, latest first',
      access,
      response: z.object({ offers: z.array(offerViewSchema) }),
      handle: async () => ({ body: { offers: [...(await agreements.offers())] } }),
    }),
    route({
      method: 'post',
      path: '/api/agreements/offers',
      summary:
        'Make an offer that binds nobody; every item that does not fit its template is named. answers=ID: a counter-offer',
      access,
      query: z.strictObject({ answers: z.string().max(100).optional() }),
      body: documentBodySchema,
      response: offerViewSchema,
      status: 201,
      handle: async ({ body, query: { answers }, caller }) => {
        const document = readOffer(body);
        const change = {
          audit,
          caller,
          action: 'agreement.changed',
          objectId: document.id,
          asked: { offer: document.id, answers },
        } as const;
        return { body: await audited(change, async () => agreements.offer(document, answers)) };
      },
    }),
    route({
      method: 'post',
      path: '/api/agreements/offers/:id/agreement',
      summary: 'Make an offer that is acceptable into a pending agreement',
      access,
      params: byId,
      response: agreementViewSchema,
      status: 201,
      handle: async ({ params: { id }, caller }) => {
        const change = {
          audit,
          caller,
          action: 'agreement.changed',
          objectId: id,
          asked: { createFrom: id },
        } as const;
        const record = await audited(change, async ({ actor }) => agreements.createFromOffer(id, actor));
        return { body: viewOf(record), location: `/api/agreements/${record.id}` };
      },
    }),
  ];
}

const actSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.enum(['accept', 'reject', 'suspend', 'resume']) }),
  z.strictObject({ event: z.literal('terminate'), at: instantSchema.optional() }),
]);

function lifeRoutes({ agreements, audit }: AgreementRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/agreements',
      summary: 'Agreements, latest first',
      access,
      response: z.object({ agreements: z.array(agreementViewSchema) }),
      handle: async () => ({ body: { agreements: (await agreements.list()).map(viewOf) } }),
    }),
    route({
      method: 'post',
      path: '/api/agreements',
      summary: 'A pending agreement of a document (JSON or application/xml) that names its template',
      access,
      body: documentBodySchema,
      response: agreementViewSchema,
      status: 201,
      handle: async ({ body, caller }) => {
        const document = readOffer(body);
        const change = {
          audit,
          caller,
          action: 'agreement.changed',
          objectId: document.id,
          asked: { create: document.id },
        } as const;
        const record = await audited(change, async ({ actor }) => agreements.create(document, actor));
        return { body: viewOf(record), location: `/api/agreements/${record.id}` };
      },
    }),
    streamRoute({
      method: 'get',
      path: '/api/agreements/:id',
      summary: 'An agreement: its state and document as application/json, its document as application/xml',
      access,
      stream: async ({ req, res }) => {
        const record = await agreements.get(parseInput(byId, req.params).id);
        sendDocument(req, res, { json: viewOf(record), xml: renderAgreement(record.document, 'agreement') });
      },
    }),
    route({
      method: 'post',
      path: '/api/agreements/:id/acts',
      summary: 'Accept, reject, suspend, resume or terminate (now, or at an instant) an agreement',
      access,
      params: byId,
      body: actSchema,
      response: agreementViewSchema,
      handle: async ({ params: { id }, body, caller }) => {
        const change = { audit, caller, action: 'agreement.changed', objectId: id, asked: body } as const;
        return { body: viewOf(await audited(change, async ({ actor }) => agreements.act(id, body, actor))) };
      },
    }),
  ];
}

function outcomeRoutes({ agreements }: AgreementRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/agreements/:id/guarantees',
      summary: 'How each guarantee did in each window, with its figures',
      access,
      params: byId,
      query: spanQuery,
      response: z.object({ assessments: z.array(assessmentViewSchema) }),
      handle: async ({ params: { id }, query }) => {
        await agreements.get(id);
        return { body: { assessments: [...(await agreements.assessments(windowQuery(id, query)))] } };
      },
    }),
    route({
      method: 'get',
      path: '/api/agreements/:id/ledger',
      summary: 'What was booked, in order',
      access,
      params: byId,
      query: spanQuery,
      response: z.object({ entries: z.array(ledgerEntrySchema) }),
      handle: async ({ params: { id }, query }) => {
        await agreements.get(id);
        return { body: { entries: [...(await agreements.ledger(windowQuery(id, query)))] } };
      },
    }),
    route({
      method: 'get',
      path: '/api/agreements/:id/alerts',
      summary: 'Breaches and error budgets that are used up too fast, latest first',
      access,
      params: byId,
      response: z.object({ alerts: z.array(agreementAlertSchema) }),
      handle: async ({ params: { id } }) => {
        const { id: agreementId } = await agreements.get(id);
        return { body: { alerts: [...(await agreements.alerts({ agreementId, limit: 500 }))] } };
      },
    }),
  ];
}

type SpanQuery = z.infer<typeof spanQuery>;

function windowQuery(
  agreementId: string,
  { from, to, limit }: SpanQuery,
): Parameters<Agreements['ledger']>[0] {
  return { agreementId, span: { fromMs: Date.parse(from), toMs: Date.parse(to) }, limit };
}

/** From a figure down to the events that it was made from. */
function drillDownRoute({ agreements }: AgreementRoutesDeps): RouteDefinition {
  return route({
    method: 'get',
    path: '/api/agreements/:id/guarantees/:guarantee/events',
    summary: 'The events from which the figures of one window were made',
    access,
    params: byId.extend({ guarantee: z.string().max(200) }),
    query: z.strictObject({ windowTo: instantSchema }),
    response: z.object({ events: z.array(indicatorEventSchema) }),
    handle: async ({ params: { id, guarantee }, query: { windowTo } }) => {
      const toMs = Date.parse(windowTo);
      const query = { agreementId: id, span: { fromMs: toMs - 1, toMs }, limit: 1_000 };
      const found = (await agreements.assessments(query)).filter(
        (assessment) => assessment.guarantee === guarantee,
      );
      const events = await agreements.findEvents(found.flatMap(({ eventIds }) => eventIds));
      return {
        body: {
          events: events.map(({ atMs, ...event }) => ({ ...event, at: new Date(atMs).toISOString() })),
        },
      };
    },
  });
}

function knownIndicators(): RouteDefinition {
  const list = Object.entries(indicators).map(([name, { kind, unit }]) => ({ name, kind, unit }));
  const shape = z.object({
    name: z.string(),
    kind: z.enum(['duration', 'proportion', 'rate']),
    unit: z.string(),
  });
  return route({
    method: 'get',
    path: '/api/agreements/indicators',
    summary: 'The indicators that are known, with their units; others may be told and are taken for rates',
    access,
    response: z.object({ indicators: z.array(shape) }),
    handle: async () => ({ body: { indicators: list } }),
  });
}

function indicatorRoute({ agreements, audit }: AgreementRoutesDeps): RouteDefinition {
  return route({
    method: 'post',
    path: '/api/agreements/indicators',
    summary: 'Tell what was measured elsewhere, e.g. pacs.link.mbps; an event with a known id counts once',
    access,
    body: z.strictObject({ events: z.array(indicatorEventSchema).min(1).max(1_000) }),
    response: z.object({ recorded: z.int() }),
    handle: async ({ body: { events }, caller }) => {
      const told = events.map(({ at, ...event }) => ({ ...event, atMs: Date.parse(at) }));
      const asked = { events: events.length, first: events[0]?.id };
      const change = { audit, caller, action: 'agreement.changed', objectId: 'indicators', asked } as const;
      return { body: { recorded: await audited(change, async () => agreements.record(told)) } };
    },
  });
}

function ledgerVerification({ agreements }: AgreementRoutesDeps): RouteDefinition {
  return route({
    method: 'get',
    path: '/api/agreements/ledger/verification',
    summary: 'Recompute the hash chain of the ledger',
    access,
    response: z.object({
      kind: z.enum(['intact', 'broken']),
      lines: z.int().optional(),
      sequence: z.int().optional(),
      reason: z.string().optional(),
    }),
    handle: async () => ({ body: await agreements.verifyLedger() }),
  });
}

const monthQuery = z.strictObject({
  month: z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'not a month as 2026-03'),
});

function reportRoute({ agreements, audit, keys }: AgreementRoutesDeps): RouteDefinition {
  return streamRoute({
    method: 'get',
    path: '/api/agreements/:id/report',
    summary:
      'A month of one agreement, signed (JWS): as application/json with the signature, or as application/pdf',
    access,
    stream: async ({ req, res, caller }) => {
      const { id } = parseInput(byId, req.params);
      const { month } = parseInput(monthQuery, req.query);
      const report = agreementReportSchema.parse(await agreements.report(id, month));
      const signature = await keys.signReport(report);
      const fact = {
        action: 'agreement.read',
        actor: caller.actor,
        objectType: 'agreement',
        objectId: id,
        detail: month,
      } as const;
      await audit.record(fact);
      await sendReport({ req, res }, report, signature);
    },
  });
}

async function sendReport(
  { req, res }: { req: Request; res: Response },
  report: z.infer<typeof agreementReportSchema>,
  signature: string,
): Promise<void> {
  res.set('cache-control', 'no-store').vary('accept');
  const form = req.accepts(['application/json', 'application/pdf']);
  if (form === false)
    throw new AppError('request.invalid', 'A report is application/json or application/pdf');
  if (form === 'application/json') res.json({ report, signature });
  else res.type('application/pdf').send(await renderReportPdf(report, signature));
}

function viewOf(record: AgreementRecord): AgreementView {
  return { ...record, occiState: occiStateOf(record), history: [...record.history] };
}
