import { z } from 'zod';
import { isProviderFault, ProviderError } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';

const candidatesSchema = z.object({ allocation_requests: z.array(z.unknown()) });

export type CapacityCheck = (specs: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<void>;

/**
 * Asks Placement for a host before Nova is asked for a server that could only end in `NoValidHost`. Only for what is scarce (custom
 * resources, graphics cards) and only whether there is one at all: what it lets pass may still fail. Users who may not ask are let pass.
 * @throws ProviderError `capacity`
 */
export function placementCheck(cloud: Cloud): CapacityCheck {
  let mayAsk = true;
  return async (specs, signal) => {
    const query = candidatesQuery(specs);
    if (!mayAsk || !query) return;
    const placement = cloud.service('placement');
    // `limit` came with 1.16, `required` with 1.17.
    if (!(await placement.atLeast(17, signal))) return;
    try {
      const call = { method: 'GET', path: '/allocation_candidates', query, signal } as const;
      const { allocation_requests: candidates } = await placement.ask(call, candidatesSchema);
      if (candidates.length > 0) return;
    } catch (error) {
      if (!isProviderFault(error, 'auth')) throw error;
      mayAsk = false;
      return;
    }
    throw new ProviderError('capacity', `NoValidHost: Placement has no host with ${query.resources} free`);
  };
}

/** The unnumbered group of a flavor's extra specs, without what every host has. */
export function candidatesQuery(
  specs: Readonly<Record<string, string>>,
): { readonly resources: string; readonly required: string | undefined; readonly limit: string } | undefined {
  const resources = Object.entries(specs).flatMap(([key, value]) => {
    const name = /^resources:(CUSTOM_\w+|VGPU|PGPU)$/.exec(key)?.[1];
    return name !== undefined && Number(value) > 0 ? [`${name}:${value}`] : [];
  });
  if (resources.length === 0) return undefined;
  const traits = Object.entries(specs).flatMap(([key, value]) =>
    key.startsWith('trait:') && value === 'required' ? [key.slice('trait:'.length)] : [],
  );
  return {
    resources: resources.join(','),
    required: traits.length > 0 ? traits.join(',') : undefined,
    limit: '1',
  };
}
