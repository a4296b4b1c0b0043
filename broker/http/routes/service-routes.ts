import {
  createServiceSchema,
  serviceActionSchema,
  serviceIdSchema,
  servicePlanSchema,
  serviceViewSchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { Services } from '../../service/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';
import { dryRunQuery } from './dry-run.ts';

const byId = z.object({ id: serviceIdSchema });

/** Manifests that run. */
export function serviceRoutes(deps: { services: Services; audit: AuditTrail }): RouteDefinition[] {
  const { services } = deps;
  return [
    route({
      method: 'get',
      path: '/api/services',
      summary: 'Manifests that run, or ran; the newest first',
      access: ['admin'],
      response: z.object({ services: z.array(serviceViewSchema) }),
      handle: async () => ({ body: { services: [...(await services.list())] } }),
    }),
    route({
      method: 'get',
      path: '/api/services/:id',
      summary: 'One of them: its state and why, its nodes, and what was done, step by step',
      access: ['admin'],
      params: byId,
      response: serviceViewSchema,
      handle: async ({ params }) => ({ body: await services.get(params.id) }),
    }),
    ...changingRoutes(deps),
  ];
}

function changingRoutes({ services, audit }: { services: Services; audit: AuditTrail }): RouteDefinition[] {
  return [
    route({
      method: 'post',
      path: '/api/services',
      summary: 'Deploy a manifest at a provider; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      query: dryRunQuery,
      body: createServiceSchema,
      response: z.union([serviceViewSchema, servicePlanSchema]),
      status: 202,
      handle: async ({ query: { dryRun }, body, caller, signal }) => {
        if (dryRun) return { body: await services.plan(body, signal), status: 200 };
        const wanted = { ...body, id: services.idFor(body) };
        const { manifest, ...asked } = wanted;
        // A document is named by the service that is made of it.
        const isName = typeof manifest === 'string' && manifest.length <= 200;
        const what = { create: isName ? { ...asked, manifest } : asked };
        const change = {
          ...{ audit, caller, objectId: wanted.id, asked: what },
          action: 'service.changed',
        } as const;
        const made = await audited(change, async (by) => services.create(wanted, by, signal));
        return { body: made, location: `/api/services/${made.id}` };
      },
    }),
    route({
      method: 'post',
      path: '/api/services/:id/actions',
      summary: 'Suspend a service, restart one that is suspended or degraded, or release it for good',
      access: ['admin'],
      params: byId,
      body: serviceActionSchema,
      response: serviceViewSchema,
      status: 202,
      handle: async ({ params: { id }, body, caller }) => {
        const change = { audit, caller, action: 'service.changed', objectId: id, asked: body } as const;
        return { body: await audited(change, async () => services.act(id, body.action)) };
      },
    }),
  ];
}
