import {
  agreementCheckSchema,
  agreementTemplateSchema,
  agreementViewSchema,
  indicatorEventSchema,
  instantSchema,
  offerViewSchema,
  parseInput,
  type AgreementView,
  type OfferView,
} from '@medusa/protocol';
import { z } from 'zod';
import {
  indicators,
  occiStateOf,
  renderAgreement,
  renderTemplate,
  type AgreementRecord,
} from '../../agreement/index.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';
import {
  agreementOutcomeRoutes,
  ledgerVerification,
  type AgreementOutcomeDeps,
} from './agreement-outcome-routes.ts';
import {
  checkDocument,
  documentBodySchema,
  readOffer,
  readTemplate,
  sendDocument,
} from './agreement-documents.ts';
import { audited } from './audited.ts';

type AgreementRoutesDeps = AgreementOutcomeDeps;

const byId = z.object({ id: z.string().min(1).max(100) });
const access = ['admin'] as const;
/** Templates, negotiation, agreements and what became of them, for administrators. Changes and reports are on the audit trail. */
export function agreementRoutes(deps: AgreementRoutesDeps): RouteDefinition[] {
  return [
    ...templateRoutes(deps),
    ...offerRoutes(deps),
    checkRoute(deps),
    knownIndicators(),
    indicatorRoute(deps),
    ledgerVerification(deps),
    ...lifeRoutes(deps),
    ...agreementOutcomeRoutes(deps),
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
        'Make an offer that binds nobody; every item that does not fit its template is named. answers=ID: a counter-offer; renegotiates=ID: in the place of an agreement',
      access,
      query: z.strictObject({
        answers: z.string().max(100).optional(),
        renegotiates: z.string().max(100).optional(),
        as: z.enum(['Advisory', 'Solicited']).optional(),
      }),
      body: documentBodySchema,
      response: offerViewSchema,
      status: 201,
      handle: async ({ body, query, caller }) => {
        const document = readOffer(body);
        const change = {
          audit,
          caller,
          action: 'agreement.changed',
          objectId: document.id,
          asked: { offer: document.id, ...query },
        } as const;
        const offer = async ({ actor }: { actor: string }): Promise<OfferView> =>
          agreements.offer(document, { by: actor, ...query });
        return { body: await audited(change, offer) };
      },
    }),
    route({
      method: 'post',
      path: '/api/agreements/offers/:id/acts',
      summary: 'Ask for a final answer to an offer, find it acceptable, or reject it (GFD.193)',
      access,
      params: byId,
      body: z.strictObject({ event: z.enum(['solicit', 'accept', 'reject']) }),
      response: offerViewSchema,
      handle: async ({ params: { id }, body, caller }) => {
        const change = { audit, caller, action: 'agreement.changed', objectId: id, asked: body } as const;
        return {
          body: await audited(change, async ({ actor }) => agreements.actOnOffer(id, body.event, actor)),
        };
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

function checkRoute({ agreements }: AgreementRoutesDeps): RouteDefinition {
  return route({
    method: 'post',
    path: '/api/agreements/check',
    summary:
      'What is wrong with a document, and where, and what of it does not fit its template. Changes nothing',
    access,
    query: z.strictObject({ as: z.enum(['template', 'offer']) }),
    body: documentBodySchema,
    response: agreementCheckSchema,
    handle: async ({ body, query: { as } }) => {
      const read = checkDocument(body, as);
      if ('problems' in read) return { body: read };
      const faults = await agreements.check(read.document);
      const nowhere = { line: null, column: null };
      const problems = faults.map(({ item, reason }) => ({ pointer: item, ...nowhere, message: reason }));
      return { body: { problems } };
    },
  });
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

function viewOf(record: AgreementRecord): AgreementView {
  return { ...record, occiState: occiStateOf(record), history: [...record.history] };
}
