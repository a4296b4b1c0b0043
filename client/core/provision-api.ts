import {
  parseInput,
  poolViewSchema,
  providerCatalogSchema,
  providerKindViewSchema,
  providerViewSchema,
  provisionEventSchema,
  provisionPlanSchema,
  resourceViewSchema,
  type createResourceSchema,
  type PoolId,
  type PoolView,
  type ProviderCatalog,
  type ProviderId,
  type ProviderKindView,
  type ProviderView,
  type ProvisionEvent,
  type ProvisionPlan,
  type putPoolSchema,
  type putProviderSchema,
  type ResourceAction,
  type ResourceId,
  type ResourceKind,
  type ResourceView,
} from '@medusa/protocol';
import { z } from 'zod';

export type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  /** Of a body that is text already. */
  readonly type?: 'application/xml' | 'application/json';
  readonly signal?: AbortSignal | undefined;
};
/** As they are sent: what has a default may be left out. */
export type PoolInput = z.input<typeof putPoolSchema>;
export type ProviderInput = z.input<typeof putProviderSchema>;
export type ResourceInput = z.input<typeof createResourceSchema>;
export type ResourceFilter = {
  readonly kind?: ResourceKind;
  readonly provider?: ProviderId;
  readonly pool?: PoolId;
  readonly withAbsent?: boolean;
};
export type EventQuery = {
  readonly provider?: ProviderId;
  readonly resource?: ResourceId;
  readonly before?: number;
  readonly limit: number;
};
export type MachineConsole = z.infer<typeof consoleSchema>;

const providersSchema = z.object({ providers: z.array(providerViewSchema) });
const kindsSchema = z.object({ kinds: z.array(providerKindViewSchema) });
const poolsSchema = z.object({ pools: z.array(poolViewSchema) });
const resourcesSchema = z.object({ resources: z.array(resourceViewSchema) });
const eventsSchema = z.object({ events: z.array(provisionEventSchema) });
const consoleSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('url'), url: z.string() }),
]);

/** Providers, pools and resources, as an administrator sees and changes them. The `plan…` calls change nothing. */
export class ProvisionApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async providers(signal?: AbortSignal): Promise<readonly ProviderView[]> {
    return parseInput(providersSchema, await this.#call('/api/providers', { signal })).providers;
  }

  async kinds(signal?: AbortSignal): Promise<readonly ProviderKindView[]> {
    return parseInput(kindsSchema, await this.#call('/api/providers/kinds', { signal })).kinds;
  }

  async putProvider(id: string, body: ProviderInput): Promise<ProviderView> {
    return parseInput(providerViewSchema, await this.#call(at('providers', id), { method: 'PUT', body }));
  }

  async removeProvider(id: ProviderId): Promise<void> {
    await this.#call(at('providers', id), { method: 'DELETE' });
  }

  async checkProvider(id: ProviderId): Promise<ProviderView> {
    const path = `${at('providers', id)}/check`;
    return parseInput(providerViewSchema, await this.#call(path, { method: 'POST' }));
  }

  async catalog(id: ProviderId, signal?: AbortSignal): Promise<ProviderCatalog> {
    return parseInput(providerCatalogSchema, await this.#call(`${at('providers', id)}/catalog`, { signal }));
  }

  async pools(signal?: AbortSignal): Promise<readonly PoolView[]> {
    return parseInput(poolsSchema, await this.#call('/api/pools', { signal })).pools;
  }

  async putPool(id: string, body: PoolInput): Promise<PoolView> {
    return parseInput(poolViewSchema, await this.#call(at('pools', id), { method: 'PUT', body }));
  }

  async removePool(id: PoolId): Promise<void> {
    await this.#call(at('pools', id), { method: 'DELETE' });
  }

  async planPool(id: string, body: PoolInput): Promise<ProvisionPlan> {
    return this.#plan(at('pools', id), { method: 'PUT', body });
  }

  async planRemovePool(id: PoolId): Promise<ProvisionPlan> {
    return this.#plan(at('pools', id), { method: 'DELETE' });
  }

  async resources(filter: ResourceFilter, signal?: AbortSignal): Promise<readonly ResourceView[]> {
    const path = `/api/resources${queryOf(filter)}`;
    return parseInput(resourcesSchema, await this.#call(path, { signal })).resources;
  }

  async resource(id: ResourceId, signal?: AbortSignal): Promise<ResourceView> {
    return parseInput(resourceViewSchema, await this.#call(at('resources', id), { signal }));
  }

  async create(body: ResourceInput): Promise<ResourceView> {
    return parseInput(resourceViewSchema, await this.#call('/api/resources', { method: 'POST', body }));
  }

  async planCreate(body: ResourceInput): Promise<ProvisionPlan> {
    return this.#plan('/api/resources', { method: 'POST', body });
  }

  async act(id: ResourceId, body: ResourceAction): Promise<ResourceView> {
    const path = `${at('resources', id)}/actions`;
    return parseInput(resourceViewSchema, await this.#call(path, { method: 'POST', body }));
  }

  async planAct(id: ResourceId, body: ResourceAction): Promise<ProvisionPlan> {
    return this.#plan(`${at('resources', id)}/actions`, { method: 'POST', body });
  }

  async console(id: ResourceId, signal?: AbortSignal): Promise<MachineConsole> {
    return parseInput(consoleSchema, await this.#call(`${at('resources', id)}/console`, { signal }));
  }

  /** Newest first. */
  async events(query: EventQuery, signal?: AbortSignal): Promise<readonly ProvisionEvent[]> {
    const path = `/api/provision/events${queryOf(query)}`;
    return parseInput(eventsSchema, await this.#call(path, { signal })).events;
  }

  async #plan(path: string, options: Call): Promise<ProvisionPlan> {
    return parseInput(provisionPlanSchema, await this.#call(`${path}?dryRun=true`, options));
  }
}

function at(collection: string, id: string): string {
  return `/api/${collection}/${encodeURIComponent(id)}`;
}

function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
