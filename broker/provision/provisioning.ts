import type { TypedEmitter } from '@medusa/kernel';
import type {
  createResourceSchema,
  PoolId,
  PoolView,
  ProviderCatalog,
  ProviderId,
  ProviderView,
  ProvisionEvent,
  ProvisionPlan,
  PutPool,
  PutProvider,
  ResourceAction,
  ResourceId,
  ResourceKind,
  ResourceView,
} from '@medusa/protocol';
import type { z } from 'zod';

export type CreateResource = z.infer<typeof createResourceSchema>;

/** `actor` is the administrator's name for the event log; the edge writes the audit trail. */
export type By = { readonly actor: string };

/**
 * What the edges may ask of provisioning. Everything answers at once: the work is done by the reconcile loop, and seen in the views.
 * Unknown ids throw `provider.unknown`, `pool.unknown`, `resource.unknown`; what contradicts itself or the provider's capabilities
 * throws `request.invalid` with pointers; what contradicts the present state throws `resource.conflict`.
 */
export interface Provisioning {
  readonly events: TypedEmitter<{ changed: []; logged: [event: ProvisionEvent] }>;

  providers(): Promise<readonly ProviderView[]>;
  putProvider(id: ProviderId, wanted: PutProvider, by: By): Promise<ProviderView>;
  /** Only while nothing of ours is there: else `resource.conflict`. */
  removeProvider(id: ProviderId, by: By): Promise<void>;
  checkProvider(id: ProviderId, signal: AbortSignal): Promise<ProviderView>;
  catalog(id: ProviderId, signal: AbortSignal): Promise<ProviderCatalog>;

  pools(): Promise<readonly PoolView[]>;
  putPool(id: PoolId, wanted: PutPool, by: By): Promise<PoolView>;
  /** Drains and destroys its nodes. */
  removePool(id: PoolId, by: By): Promise<void>;
  planPool(id: PoolId, wanted: PutPool): Promise<ProvisionPlan>;

  resources(filter: {
    kind?: ResourceKind;
    provider?: ProviderId;
    pool?: PoolId;
    /** Those that are gone too, the newest 200. */
    withAbsent?: boolean;
  }): Promise<readonly ResourceView[]>;
  resource(id: ResourceId): Promise<ResourceView>;
  create(wanted: CreateResource, by: By): Promise<ResourceView>;
  planCreate(wanted: CreateResource): Promise<ProvisionPlan>;
  act(id: ResourceId, action: ResourceAction, by: By): Promise<ResourceView>;
  planAct(id: ResourceId, action: ResourceAction): Promise<ProvisionPlan>;
  console(
    id: ResourceId,
    signal: AbortSignal,
  ): Promise<{ kind: 'text'; text: string } | { kind: 'url'; url: string }>;

  /** Newest first. */
  log(query: {
    provider?: ProviderId;
    resource?: ResourceId;
    before?: number;
    limit: number;
  }): Promise<readonly ProvisionEvent[]>;
}
