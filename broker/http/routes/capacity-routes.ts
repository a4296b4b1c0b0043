import { setImmediate as breathe } from 'node:timers/promises';
import {
  AppError,
  applyScheduleSchema,
  poolIdSchema,
  poolViewSchema,
  preWarmQuerySchema,
  preWarmReportSchema,
  provisionPlanSchema,
  putPoolSchema,
  whatIfAnswerSchema,
  whatIfRequestSchema,
  type PoolId,
  type PutPool,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import { answerWhatIf, type ArrivalStore, type PreWarming } from '../../capacity/index.ts';
import type { Provisioning } from '../../provision/index.ts';
import { isTimeZone } from '../../provision/policy/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';
import { dryRunQuery } from './dry-run.ts';

type CapacityRoutesDeps = {
  readonly arrivals: ArrivalStore;
  readonly preWarming: PreWarming;
  readonly provisioning: Provisioning;
  readonly audit: AuditTrail;
  readonly now: () => Date;
};

const byId = z.object({ id: poolIdSchema });
const dayMs = 86_400_000;

/** What-if questions about capacity, the schedule that answers them put onto a pool, and what pre-warming came to. For administrators. */
export function capacityRoutes(deps: CapacityRoutesDeps): RouteDefinition[] {
  const { arrivals, preWarming, provisioning, audit, now } = deps;
  return [
    route({
      method: 'get',
      path: '/api/capacity/pre-warm',
      summary:
        'How many of the slots that were made ready in advance were used, over 1, 7 or 30 days, and which are kept now',
      access: ['admin'],
      query: preWarmQuerySchema,
      response: preWarmReportSchema,
      handle: async ({ query: { days } }) => ({ body: await preWarming.report(days) }),
    }),
    route({
      method: 'post',
      path: '/api/capacity/what-if',
      summary:
        'What waits, use and cost would have been on fewer or more nodes: Erlang’s formulas and a replay',
      access: ['admin'],
      body: whatIfRequestSchema,
      response: whatIfAnswerSchema,
      handle: async ({ body }) => {
        requireTimeZone(body.timeZone);
        const to = now();
        const days = body.arrivals.kind === 'recorded' ? body.arrivals.days : 0;
        const from = new Date(to.getTime() - days * dayMs);
        const read = days === 0 ? [] : await arrivals.between(from, to);
        const recorded = { fromMs: from.getTime(), toMs: to.getTime(), arrivals: read };
        return { body: await answerWhatIf({ request: body, recorded, breathe: async () => breathe() }) };
      },
    }),
    route({
      method: 'put',
      path: '/api/capacity/schedules/:id',
      summary: 'Put a schedule onto a pool; dryRun=true answers the plan and changes nothing',
      access: ['admin'],
      params: byId,
      query: dryRunQuery,
      body: applyScheduleSchema,
      response: z.union([poolViewSchema, provisionPlanSchema]),
      handle: async ({ params: { id }, query: { dryRun }, body, caller }) => {
        requireTimeZone(body.timeZone);
        const wanted = await withSchedule(provisioning, id, body);
        if (dryRun) return { body: await provisioning.planPool(id, wanted) };
        const change = {
          audit,
          caller,
          action: 'pool.changed',
          objectId: id,
          asked: { schedule: body },
        } as const;
        return { body: await audited(change, async (by) => provisioning.putPool(id, wanted, by)) };
      },
    }),
  ];
}

/** The pool as it is wanted now, with these numbers by the hour; it may always grow as far as they ask. */
async function withSchedule(
  provisioning: Provisioning,
  id: PoolId,
  { min, schedule, timeZone }: z.infer<typeof applyScheduleSchema>,
): Promise<PutPool> {
  const pool = (await provisioning.pools()).find((candidate) => candidate.id === id);
  if (!pool) throw new AppError('pool.unknown', `There is no pool ${id}`);
  const most = Math.max(min, pool.policy.max, ...schedule.map((window) => window.min));
  return putPoolSchema
    .strip()
    .parse({ ...pool, policy: { ...pool.policy, min, max: most, schedule, timeZone } });
}

function requireTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  const message = `There is no time zone ${timeZone}`;
  throw new AppError('request.invalid', message, { errors: [{ pointer: '/timeZone', message }] });
}
