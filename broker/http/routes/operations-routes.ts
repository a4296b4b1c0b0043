import { AppError } from '@medusa/protocol';
import type { Request } from 'express';
import { z } from 'zod';
import { hasAnyRole } from '../../identity/index.ts';
import { addressOf, type Authenticate } from '../caller.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';

export type Health = {
  readonly isHealthy: boolean;
  readonly reason: string;
  readonly checks: Readonly<Record<string, string>>;
};

type OperationsDeps = {
  readonly readHealth: () => Promise<Health>;
  readonly readMetrics: () => Promise<{ contentType: string; text: string }>;
  readonly readOpenApi: () => Record<string, unknown>;
  readonly authenticate: Authenticate;
};

/** What operators and their machines ask. */
export function operationsRoutes(deps: OperationsDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/healthz',
      summary:
        '200 when a study could be opened now: the database answers, a storage node is connected, a render node is ready with a free slot. 503 says why not',
      access: 'public',
      response: z.object({
        status: z.enum(['ok', 'unavailable']),
        reason: z.string(),
        checks: z.record(z.string(), z.string()),
      }),
      handle: async () => {
        const { isHealthy, reason, checks } = await deps.readHealth();
        const status = isHealthy ? ('ok' as const) : ('unavailable' as const);
        return { status: isHealthy ? 200 : 503, body: { status, reason, checks } };
      },
    }),
    route({
      method: 'get',
      path: '/livez',
      summary: '200 as long as this process answers; for supervisors that restart it',
      access: 'public',
      response: z.object({ status: z.literal('ok') }),
      handle: async () => ({ body: { status: 'ok' as const } }),
    }),
    streamRoute({
      method: 'get',
      path: '/metrics',
      summary: 'Prometheus metrics: from this machine without a login, from elsewhere for administrators',
      access: 'public',
      stream: async ({ req, res }) => {
        if (!isLoopback(req)) await requireAdmin(req, deps.authenticate);
        const { contentType, text } = await deps.readMetrics();
        res.set({ 'content-type': contentType, 'cache-control': 'no-store' }).send(text);
      },
    }),
    streamRoute({
      method: 'get',
      path: '/api/openapi.json',
      summary: 'This interface as OpenAPI 3.1',
      access: 'public',
      stream: async ({ res }) => {
        res.json(deps.readOpenApi());
      },
    }),
  ];
}

function isLoopback(req: Request): boolean {
  return ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(addressOf(req));
}

async function requireAdmin(req: Request, authenticate: Authenticate): Promise<void> {
  const { user } = await authenticate.user(req);
  if (!hasAnyRole(user, ['admin'])) throw new AppError('access.refused', 'Metrics are for administrators');
}
