import {
  parseInput,
  preWarmReportSchema,
  poolViewSchema,
  provisionPlanSchema,
  whatIfAnswerSchema,
  type applyScheduleSchema,
  type PoolId,
  type PoolView,
  type PreWarmReport,
  type ProvisionPlan,
  type WhatIfAnswer,
  type whatIfRequestSchema,
} from '@medusa/protocol';
import type { z } from 'zod';
import type { Call } from './provision-api.ts';

/** As they are sent: what has a default may be left out. */
export type WhatIfInput = z.input<typeof whatIfRequestSchema>;
export type ScheduleInput = z.input<typeof applyScheduleSchema>;

/** Questions about capacity, and what follows from the answers. For administrators. */
export class CapacityApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async whatIf(body: WhatIfInput, signal?: AbortSignal): Promise<WhatIfAnswer> {
    const answer = await this.#call('/api/capacity/what-if', { method: 'POST', body, signal });
    return parseInput(whatIfAnswerSchema, answer);
  }

  async preWarm(days: 1 | 7 | 30, signal?: AbortSignal): Promise<PreWarmReport> {
    return parseInput(
      preWarmReportSchema,
      await this.#call(`/api/capacity/pre-warm?days=${days}`, { signal }),
    );
  }

  async planSchedule(pool: PoolId, body: ScheduleInput): Promise<ProvisionPlan> {
    const path = `/api/capacity/schedules/${encodeURIComponent(pool)}?dryRun=true`;
    return parseInput(provisionPlanSchema, await this.#call(path, { method: 'PUT', body }));
  }

  async putSchedule(pool: PoolId, body: ScheduleInput): Promise<PoolView> {
    const path = `/api/capacity/schedules/${encodeURIComponent(pool)}`;
    return parseInput(poolViewSchema, await this.#call(path, { method: 'PUT', body }));
  }
}
