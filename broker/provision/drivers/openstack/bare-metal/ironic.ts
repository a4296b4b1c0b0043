import { z } from 'zod';
import { ProviderError, type ItemState } from '../../../port/index.ts';
import type { Cloud, Service } from '../cloud.ts';

/** Ironic's things are known by `uuid`. */
const withId = <T extends { readonly uuid: string }>(thing: T): T & { readonly id: string } => ({
  ...thing,
  id: thing.uuid,
});

export const nodeSchema = z
  .object({
    uuid: z.string(),
    name: z.string().nullable(),
    provision_state: z.string().nullable(),
    target_provision_state: z.string().nullish(),
    power_state: z.string().nullish(),
    target_power_state: z.string().nullish(),
    resource_class: z.string().nullish(),
    maintenance: z.boolean().default(false),
    instance_uuid: z.string().nullish(),
    last_error: z.string().nullish(),
    properties: z
      .object({
        cpus: z.coerce.number().optional(),
        memory_mb: z.coerce.number().optional(),
        local_gb: z.coerce.number().optional(),
        cpu_arch: z.string().optional(),
      })
      .default({}),
  })
  .transform(withId);
export type IronicNode = z.infer<typeof nodeSchema>;

export const allocationSchema = z
  .object({
    uuid: z.string(),
    name: z.string().nullable(),
    state: z.string(),
    node_uuid: z.string().nullable(),
    resource_class: z.string().nullish(),
    last_error: z.string().nullish(),
    extra: z.record(z.string(), z.unknown()).default({}),
    created_at: z.coerce.date(),
  })
  .transform(withId);
export type Allocation = z.infer<typeof allocationSchema>;

/** Allocations came with 1.52, config drives as objects with 1.56; automated cleaning of one node with 1.47. */
const neededMinor = 56;

export async function ironicOf(cloud: Cloud, signal: AbortSignal): Promise<Service> {
  const ironic = cloud.service('baremetal');
  if (!(await ironic.atLeast(neededMinor, signal)))
    throw new ProviderError('invalid', `This Ironic is too old: API 1.${neededMinor} is needed`);
  return ironic;
}

export async function nodesOf(cloud: Cloud, signal: AbortSignal): Promise<readonly IronicNode[]> {
  const ironic = await ironicOf(cloud, signal);
  return ironic.list({ path: '/nodes/detail', key: 'nodes', signal }, nodeSchema);
}

/** Ironic guide "State machine". In between is what is done for the next tenant, or for nobody. */
const byProvision: Readonly<Record<string, ItemState>> = {
  available: 'pending',
  deploying: 'starting',
  'wait call-back': 'starting',
  'deploy hold': 'starting',
  rebuild: 'starting',
  active: 'running',
  'deploy failed': 'error',
  error: 'error',
  deleting: 'stopping',
  cleaning: 'stopping',
  'clean wait': 'stopping',
  'clean hold': 'stopping',
  'clean failed': 'error',
  rescue: 'stopped',
  servicing: 'starting',
};

export function stateOfNode({
  provision_state: provision,
  power_state: power,
  target_power_state: target,
}: {
  readonly provision_state: string | null;
  readonly power_state?: string | null | undefined;
  readonly target_power_state?: string | null | undefined;
}): ItemState {
  if (provision !== 'active') return byProvision[provision ?? ''] ?? 'unknown';
  if (target === 'power off' || target === 'soft power off') return 'stopping';
  if (target !== null && target !== undefined && target !== power) return 'starting';
  return power === 'power off' ? 'stopped' : 'running';
}
