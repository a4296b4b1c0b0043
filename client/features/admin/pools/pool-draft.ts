import { putPoolSchema, type PoolPolicy, type PoolView, type PutPool } from '@medusa/protocol';
import type { PoolInput } from '../../../core/provision-api.ts';

/** What the form of a pool holds while it is filled in. */
export type PoolDraft = {
  readonly providers: readonly string[];
  readonly machine: PutPool['machine'];
  readonly policy: PoolPolicy;
  readonly maxUnhealthyPercent: number;
  readonly joinSeconds: number;
};

export function draftOf(pool: PoolView | 'new', timeZone: string): PoolDraft {
  if (pool === 'new')
    return {
      providers: [],
      machine: {
        ...{ kind: 'machine', role: 'render', image: '', size: '', zone: null, networks: [] },
        ...{ securityGroups: [], slots: null, power: 'on', revision: '1' },
      },
      policy: {
        ...{ min: 1, max: 4, buffer: { kind: 'slots', slots: 1 }, schedule: [], timeZone },
        ...{ forecast: null, preWarm: { by: 'both', slots: 2 }, scaleDownAfterSeconds: 600 },
      },
      maxUnhealthyPercent: 40,
      joinSeconds: 300,
    };
  const { providers, machine, policy, maxUnhealthyPercent, joinSeconds } = pool;
  return { providers, machine, policy, maxUnhealthyPercent, joinSeconds };
}

/** As it is sent; throws `request.invalid`-like zod errors never: the broker judges. */
export function inputOf(draft: PoolDraft): PoolInput {
  return {
    ...draft,
    providers: draft.providers.map((id) => putPoolSchema.shape.providers.element.parse(id)),
  };
}
