export type Brake = { readonly isBraked: boolean; readonly reason: string };

/**
 * Whether repairs of a pool stop: when too much of it is unhealthy, the fault is likely not the machines' (Cluster API's
 * `maxUnhealthy`). One node may always be repaired, or a pool of one never could, unless the share is 0.
 */
export function brake(total: number, unhealthy: number, maxUnhealthyPercent: number): Brake {
  const allowed = Math.floor((total * maxUnhealthyPercent) / 100);
  const isBraked = unhealthy > (maxUnhealthyPercent === 0 ? 0 : Math.max(1, allowed));
  return {
    isBraked,
    reason: isBraked
      ? `${unhealthy} of ${total} are unhealthy, more than ${maxUnhealthyPercent} %: nothing is replaced until a person has looked`
      : '',
  };
}
