import { blockingOf } from '../provision/policy/index.ts';

/**
 * The share of requests that have to wait when nobody leaves (A. K. Erlang's C formula, ITU-T E.501), from the B formula:
 * C = B / (1 − ρ(1 − B)). `load` in erlangs; 1 when there is at least as much load as servers.
 */
export function waitingOf(load: number, servers: number): number {
  if (load >= servers) return load === 0 ? 0 : 1;
  const blocking = blockingOf(load, servers);
  return blocking / (1 - (load / servers) * (1 - blocking));
}

/** How long all but `share` of the requests wait at most, in units of the mean hold; null: the queue grows without end. */
export function waitQuantile(load: number, servers: number, share: number): number | null {
  if (load >= servers) return load === 0 ? 0 : null;
  const waiting = waitingOf(load, servers);
  return waiting <= share ? 0 : Math.log(waiting / share) / (servers - load);
}

/** The share of the requests that wait longer than so many mean holds: C e^(−(n − a) t). */
export function waitingLonger(load: number, servers: number, holds: number): number {
  if (load >= servers) return load === 0 ? 0 : 1;
  return waitingOf(load, servers) * Math.exp(-(servers - load) * holds);
}
