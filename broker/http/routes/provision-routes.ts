import {
  AppError,
  poolIdSchema,
  poolViewSchema,
  providerIdSchema,
  provisionEventSchema,
  provisionPlanSchema,
  putPoolSchema,
  resourceIdSchema,
  type PoolId,
  type ProvisionPlan,
} from '@medusa/protocol';
import { z } from 'zod';
import type { Provisioning } from '../../provision/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';
import { dryRunQuery } from './dry-run.ts';
import { providerRoutes } from './provider-routes.ts';
import { resourceRoutes } from './resource-routes.ts';

type ProvisionRoutesDeps = Parameters<typeof providerRoutes>[0];

const byId = z.object({ id: poolIdSchema });
const logQuery = z.strictObject({
  provider: providerIdSchema.optional(),
  resource: resourceIdSchema.optional(),
  /** Lines with a smaller sequence number: the next page. */
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** Providers, pools and resources, for administrators. Every change is on the audit trail, also the one that failed. */
export function provisionRoutes(deps: ProvisionRoutesDeps): RouteDefinition[] {
  return [...providerRoutes(deps), ...poolRoutes(deps), ...resourceRoutes(deps), logRoute(deps)];
}

function poolRoutes({ provisioning, audit }: ProvisionRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/pools',
      summary: 'Pools: how many nodes are wanted and why, how many there are',
      access: ['admin'],
      response: z.object({ pools: z.array(poolViewSchema) }),
      handle: async () => ({ body: { pools: [...(await provisioning.pools())] } }),
    }),
    route({
      method: 'put',
      path: '/api/pools/:id',
      summary: 'Create a pool, or change it; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      params: byId,
      query: dryRunQuery,
      body: putPoolSchema,
      response: z.union([poolViewSchema, provisionPlanSchema]),
      handle: async ({ params: { id }, query: { dryRun }, body, caller }) => {
        if (dryRun) return { body: await provisioning.planPool(id, body) };
        const asked = { put: body };
        const change = { audit, caller, action: 'pool.changed', objectId: id, asked } as const;
        return { body: await audited(change, async (by) => provisioning.putPool(id, body, by)) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/pools/:id',
      summary: 'Drain and destroy all nodes of a pool; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      params: byId,
      query: dryRunQuery,
      response: z.union([provisionPlanSchema, byId]),
      handle: async ({ params: { id }, query: { dryRun }, caller }) => {
        if (dryRun) return { body: await planRemoval(provisioning, id) };
        const asked = { removed: true };
        const change = { audit, caller, action: 'pool.changed', objectId: id, asked } as const;
        await audited(change, async (by) => provisioning.removePool(id, by));
        return { body: { id } };
      },
    }),
  ];
}

/** A pool that is removed ends as one that wants no node. */
async function planRemoval(provisioning: Provisioning, id: PoolId): Promise<ProvisionPlan> {
  const pool = (await provisioning.pools()).find((candidate) => candidate.id === id);
  if (!pool) throw new AppError('pool.unknown', `There is no pool ${id}`);
  const { providers, machine, policy, maxUnhealthyPercent, joinSeconds } = pool;
  const none = { ...policy, min: 0, max: 0, schedule: [], scaleDownAfterSeconds: 0 };
  return provisioning.planPool(id, { providers, machine, policy: none, maxUnhealthyPercent, joinSeconds });
}

function logRoute({ provisioning }: ProvisionRoutesDeps): RouteDefinition {
  return route({
    method: 'get',
    path: '/api/provision/events',
    summary: 'What was done at the providers and how it ended, newest first',
    access: ['admin'],
    query: logQuery,
    response: z.object({ events: z.array(provisionEventSchema) }),
    handle: async ({ query: { provider, resource, before, limit } }) => {
      const query = {
        ...(provider && { provider }),
        ...(resource && { resource }),
        ...(before !== undefined && { before }),
        limit,
      };
      return { body: { events: [...(await provisioning.log(query))] } };
    },
  });
}
