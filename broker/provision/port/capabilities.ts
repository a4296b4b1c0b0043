import type { ProviderKind } from '@medusa/protocol';
import type { ProviderDriver } from './driver.ts';

/** Processes, containers and plain hosts have an environment, and nobody in them who reads user data. */
const withoutUserData: readonly ProviderKind[] = ['local', 'ssh', 'docker', 'kubernetes', 'redfish'];

/** What a provider can, in words for the admin page and for checks before a plan is made, e.g. `volumes.revert`. */
export function capabilitiesOf(driver: ProviderDriver): string[] {
  const { machines, volumes } = driver;
  return [
    'machines',
    ...machines.actions.map((action) => `machines.${action}`),
    ...(withoutUserData.includes(driver.kind) ? [] : ['machines.user-data']),
    ...(machines.console ? ['machines.console'] : []),
    ...(volumes ? ['volumes'] : []),
    ...(volumes?.revert ? ['volumes.revert'] : []),
    ...(['snapshots', 'networks', 'addresses', 'securityGroups', 'images', 'keys', 'watch'] as const).filter(
      (part) => driver[part] !== undefined,
    ),
  ];
}
