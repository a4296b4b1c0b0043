import {
  auditActionSchema,
  auditEventSchema,
  instantSchema,
  nodeViewSchema,
  transferPolicySchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { NodeRegistry } from '../../node/index.ts';
import type { Transfers } from '../../session/index.ts';
import { route, type RouteDefinition } from '../route.ts';

const auditQuerySchema = z.object({
  action: auditActionSchema.optional(),
  actor: z.string().max(255).optional(),
  object: z.string().max(300).optional(),
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  /** The last sequence number of the page before; 0 = from the newest. */
  before: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

type AdminRoutesDeps = {
  readonly nodes: NodeRegistry;
  readonly audit: AuditTrail;
  readonly transfers: Pick<Transfers, 'policy'>;
};

export function adminRoutes({ nodes, audit, transfers }: AdminRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/nodes',
      summary: 'Render and storage nodes',
      access: ['admin'],
      response: z.object({ nodes: z.array(nodeViewSchema) }),
      handle: async () => ({ body: { nodes: nodes.views() } }),
    }),
    route({
      method: 'get',
      path: '/api/transfers',
      summary: 'Who may take text out of a display and into one, and what may pass at most',
      access: ['admin'],
      response: transferPolicySchema,
      handle: async () => ({ body: transfers.policy }),
    }),
    route({
      method: 'get',
      path: '/api/audit',
      summary: 'The audit trail, newest first; reading it is audited too',
      access: ['admin'],
      query: auditQuerySchema,
      response: z.object({ events: z.array(auditEventSchema) }),
      handle: async ({ query, caller }) => {
        const { action, actor: actorId, object: objectId, from, to, before, limit } = query;
        const detail = JSON.stringify({ action, actorId, objectId, from, to, before, limit });
        await audit.record({
          action: 'audit.read',
          actor: caller.actor,
          objectType: 'audit',
          objectId: '*',
          detail,
        });
        const page = before === 0 ? {} : { before };
        const events = await audit.list({ action, actorId, objectId, from, to, limit, ...page });
        return { body: { events: [...events] } };
      },
    }),
    route({
      method: 'get',
      path: '/api/audit/verification',
      summary: 'Recompute the hash chain of the audit trail',
      access: ['admin'],
      response: z.object({
        kind: z.enum(['intact', 'broken']),
        lines: z.int().optional(),
        sequence: z.int().optional(),
        reason: z.string().optional(),
      }),
      handle: async () => ({ body: await audit.verify() }),
    }),
  ];
}
