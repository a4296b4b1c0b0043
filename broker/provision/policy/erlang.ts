/**
 * The share of requests that find all servers busy (A. K. Erlang's B formula, ITU-T E.501), by the recurrence
 * B(0) = 1, B(n) = aB(n−1) / (n + aB(n−1)).
 * `load` in erlangs: requests per hour × mean hold in hours.
 */
export function blockingOf(load: number, servers: number): number {
  let blocking = 1;
  for (let n = 1; n <= servers; n += 1) blocking = (load * blocking) / (n + load * blocking);
  return load === 0 && servers === 0 ? 0 : blocking;
}

/** The fewest servers of which at most `blocking` of the requests find none free; never more than `limit`. */
export function serversFor(load: number, blocking: number, limit: number): number {
  if (load <= 0) return 0;
  let reached = 1;
  let servers = 0;
  while (reached > blocking && servers < limit) {
    servers += 1;
    reached = (load * reached) / (servers + load * reached);
  }
  return servers;
}
