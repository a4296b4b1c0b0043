import {
  agreementAlertSchema,
  agreementReportSchema,
  agreementStandingSchema,
  AppError,
  assessmentViewSchema,
  instantSchema,
  ledgerEntrySchema,
  parseInput,
  signedAgreementSchema,
  windowEventsSchema,
} from '@medusa/protocol';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { renderReportPdf, type Agreements } from '../../agreement/index.ts';
import type { AuditTrail } from '../../audit/index.ts';
import type { BrokerKeys } from '../../identity/index.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';

export type AgreementOutcomeDeps = {
  readonly agreements: Agreements;
  readonly audit: AuditTrail;
  readonly keys: Pick<BrokerKeys, 'signReport' | 'signAgreement'>;
};

const byId = z.object({ id: z.string().min(1).max(100) });
const access = ['admin'] as const;
const spanQuery = z.strictObject({
  /** Of the windows' ends. */
  from: instantSchema.default('1970-01-01T00:00:00Z'),
  to: instantSchema.default('9000-01-01T00:00:00Z'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

/** What became of agreements: windows, ledger, alerts, reports, and the events below them. */
export function agreementOutcomeRoutes(deps: AgreementOutcomeDeps): RouteDefinition[] {
  return [...outcomeRoutes(deps), drillDownRoute(deps), reportRoute(deps), signatureRoute(deps)];
}

function outcomeRoutes({ agreements }: AgreementOutcomeDeps): RouteDefinition[] {
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
      path: '/api/agreements/:id/standing',
      summary: 'How each guarantee stands now: its latest windows, and the error budget of this month',
      access,
      params: byId,
      response: agreementStandingSchema,
      handle: async ({ params: { id } }) => ({ body: await agreements.standing(id) }),
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
function drillDownRoute({ agreements }: AgreementOutcomeDeps): RouteDefinition {
  return route({
    method: 'get',
    path: '/api/agreements/:id/guarantees/:guarantee/events',
    summary:
      'The events from which the figures of one window were made, and how many were left out of it and why',
    access,
    params: byId.extend({ guarantee: z.string().max(200) }),
    query: z.strictObject({ windowTo: instantSchema }),
    response: windowEventsSchema,
    handle: async ({ params: { id, guarantee }, query: { windowTo } }) => ({
      body: await agreements.windowEvents(id, { guarantee, windowTo }),
    }),
  });
}

export function ledgerVerification({ agreements }: AgreementOutcomeDeps): RouteDefinition {
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

function reportRoute({ agreements, audit, keys }: AgreementOutcomeDeps): RouteDefinition {
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

/** The same for ever: what was agreed upon does not change. */
function signatureRoute({ agreements, audit, keys }: AgreementOutcomeDeps): RouteDefinition {
  return route({
    method: 'get',
    path: '/api/agreements/:id/signature',
    summary: 'What was agreed upon, signed (JWS): the keys of /api/jwks.json verify it',
    access,
    params: byId,
    response: signedAgreementSchema,
    handle: async ({ params: { id }, caller }) => {
      const agreement = await agreements.agreed(id);
      const fact = { action: 'agreement.read', actor: caller.actor, objectType: 'agreement' } as const;
      await audit.record({ ...fact, objectId: id, detail: 'signature' });
      return { body: { agreement, signature: await keys.signAgreement(agreement) } };
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
