import {
  parseInput,
  servicePlanSchema,
  serviceViewSchema,
  type createServiceSchema,
  type ServiceAction,
  type ServiceId,
  type ServicePlan,
  type ServiceView,
} from '@medusa/protocol';
import { z } from 'zod';
import type { Call } from './provision-api.ts';

/** As it is sent: what has a default may be left out. */
export type ServiceInput = z.input<typeof createServiceSchema>;

const servicesSchema = z.object({ services: z.array(serviceViewSchema) });

/** Manifests that run. For administrators. */
export class ServiceApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  /** The newest first; those that were released are among them. */
  async list(signal?: AbortSignal): Promise<readonly ServiceView[]> {
    return parseInput(servicesSchema, await this.#call('/api/services', { signal })).services;
  }

  /** Changes nothing. */
  async plan(body: ServiceInput): Promise<ServicePlan> {
    const answer = await this.#call('/api/services?dryRun=true', { method: 'POST', body });
    return parseInput(servicePlanSchema, answer);
  }

  async create(body: ServiceInput): Promise<ServiceView> {
    return parseInput(serviceViewSchema, await this.#call('/api/services', { method: 'POST', body }));
  }

  async act(id: ServiceId, action: ServiceAction): Promise<ServiceView> {
    const path = `/api/services/${encodeURIComponent(id)}/actions`;
    return parseInput(serviceViewSchema, await this.#call(path, { method: 'POST', body: { action } }));
  }
}
