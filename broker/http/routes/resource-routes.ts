import {
  createResourceSchema,
  poolIdSchema,
  providerIdSchema,
  provisionPlanSchema,
  resourceActionSchema,
  resourceIdSchema,
  resourceKindSchema,
  resourceViewSchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { Provisioning } from '../../provision/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';
import { dryRunQuery, flagSchema } from './dry-run.ts';

const byId = z.object({ id: resourceIdSchema });
const filterSchema = z.strictObject({
  kind: resourceKindSchema.optional(),
  provider: providerIdSchema.optional(),
  pool: poolIdSchema.optional(),
  withAbsent: flagSchema,
});
const answerSchema = z.union([resourceViewSchema, provisionPlanSchema]);
const consoleSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('url'), url: z.string() }),
]);

export function resourceRoutes(deps: { provisioning: Provisioning; audit: AuditTrail }): RouteDefinition[] {
  return [...readingRoutes(deps.provisioning), ...changingRoutes(deps)];
}

function readingRoutes(provisioning: Provisioning): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/resources',
      summary: 'Machines, volumes, snapshots, networks, addresses, security groups and images',
      access: ['admin'],
      query: filterSchema,
      response: z.object({ resources: z.array(resourceViewSchema) }),
      handle: async ({ query: { kind, provider, pool, withAbsent } }) => {
        const filter = {
          ...(kind && { kind }),
          ...(provider && { provider }),
          ...(pool && { pool }),
          withAbsent,
        };
        return { body: { resources: [...(await provisioning.resources(filter))] } };
      },
    }),
    route({
      method: 'get',
      path: '/api/resources/:id',
      summary: 'One resource: what is wanted, what is, and what it waits for',
      access: ['admin'],
      params: byId,
      response: resourceViewSchema,
      handle: async ({ params }) => ({ body: await provisioning.resource(params.id) }),
    }),
    route({
      method: 'get',
      path: '/api/resources/:id/console',
      summary: 'The end of what a machine printed, or where its screen can be seen',
      access: ['admin'],
      params: byId,
      response: consoleSchema,
      handle: async ({ params, signal }) => ({ body: await provisioning.console(params.id, signal) }),
    }),
  ];
}

function changingRoutes(deps: { provisioning: Provisioning; audit: AuditTrail }): RouteDefinition[] {
  const { provisioning, audit } = deps;
  return [
    route({
      method: 'post',
      path: '/api/resources',
      summary: 'Want a resource; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      query: dryRunQuery,
      body: createResourceSchema,
      response: answerSchema,
      status: 202,
      handle: async ({ query: { dryRun }, body, caller }) => {
        if (dryRun) return { body: await provisioning.planCreate(body), status: 200 };
        const change = { audit, caller, action: 'resource.changed', objectId: body.id } as const;
        const made = await audited({ ...change, asked: { create: body } }, async (by) =>
          provisioning.create(body, by),
        );
        return { body: made, location: `/api/resources/${body.id}` };
      },
    }),
    route({
      method: 'post',
      path: '/api/resources/:id/actions',
      summary: 'Drain, replace, move, attach …; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      params: byId,
      query: dryRunQuery,
      body: resourceActionSchema,
      response: answerSchema,
      status: 202,
      handle: async ({ params: { id }, query: { dryRun }, body, caller }) => {
        if (dryRun) return { body: await provisioning.planAct(id, body), status: 200 };
        const change = { audit, caller, action: 'resource.changed', objectId: id, asked: body } as const;
        return { body: await audited(change, async (by) => provisioning.act(id, body, by)) };
      },
    }),
  ];
}
