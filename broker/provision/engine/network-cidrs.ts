import type { ProviderId, ResourceSpec } from '@medusa/protocol';
import { chooseCidrs } from '../addresses/index.ts';
import type { ResourceRecord } from './model.ts';

/** Chosen before anything is made, and kept with the wish: a create that is repeated asks for the same subnets. */
export function completeNetwork(
  spec: ResourceSpec,
  provider: ProviderId,
  others: readonly ResourceRecord[],
): ResourceSpec {
  if (spec.kind !== 'network' || spec.cidrs !== null) return spec;
  const taken = others
    .filter((other) => other.provider === provider)
    .flatMap(({ wish, status }) => [
      ...(wish.spec.kind === 'network' ? (wish.spec.cidrs ?? []) : []),
      ...(status.seen?.cidrs ?? []),
    ]);
  return { ...spec, cidrs: chooseCidrs(taken) };
}
