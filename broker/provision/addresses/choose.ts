import { ProviderError } from '../port/errors.ts';
import { formatAddress, formatPrefix, lastOf, parsePrefix, prefixesOverlap, type Prefix } from './prefix.ts';

/** Where subnets are cut from. */
export type SubnetPool = { readonly prefix: string; readonly subnetLength: number };

/** Private (RFC 1918) and unique local (RFC 4193) prefixes that are seldom a hospital's own. */
const defaultSubnetPools: readonly SubnetPool[] = [
  { prefix: '10.112.0.0/12', subnetLength: 24 },
  { prefix: 'fd6d:6564:7573::/48', subnetLength: 64 },
];

/**
 * The lowest subnet of each pool that overlaps with none of `taken`: the same question has the same answer.
 * @throws ProviderError `capacity` when a pool has none left.
 */
export function chooseCidrs(
  taken: readonly string[],
  pools: readonly SubnetPool[] = defaultSubnetPools,
): string[] {
  const known = taken.map(parsePrefix);
  return pools.map(({ prefix, subnetLength }) => {
    const pool = parsePrefix(prefix);
    if (subnetLength < pool.length) throw new RangeError(`A /${subnetLength} does not fit into ${prefix}`);
    const free = lowestFree(pool, subnetLength, known);
    if (free === undefined)
      throw new ProviderError('capacity', `The address pool ${prefix} has no free /${subnetLength} left`);
    return formatPrefix({ family: pool.family, first: free, length: subnetLength });
  });
}

export function cidrsOverlap(a: string, b: string): boolean {
  return prefixesOverlap(parsePrefix(a), parsePrefix(b));
}

/** Whether the address (or the whole prefix) lies within the prefix. */
export function isWithin(inner: string, outer: string): boolean {
  const [small, large] = [parsePrefix(inner), parsePrefix(outer)];
  return small.family === large.family && small.first >= large.first && lastOf(small) <= lastOf(large);
}

/** The first usable address of a subnet, by custom its gateway's. */
export function gatewayOf(cidr: string): string {
  return formatAddress(parsePrefix(cidr).family, usableRange(parsePrefix(cidr)).low);
}

/** The first and last address that a machine can have; a subnet's own number and IPv4's broadcast are none. */
export function usableAddresses(cidr: string): { readonly first: string; readonly last: string } {
  const prefix = parsePrefix(cidr);
  const { low, high } = usableRange(prefix);
  return { first: formatAddress(prefix.family, low), last: formatAddress(prefix.family, high) };
}

/**
 * The lowest address of the subnets, in their order, that is none of `taken`.
 * @throws ProviderError `capacity` when all are taken.
 */
export function chooseAddress(cidrs: readonly string[], taken: readonly string[]): string {
  const known = taken.map(parsePrefix);
  for (const cidr of cidrs) {
    const prefix = parsePrefix(cidr);
    const { low, high } = usableRange(prefix);
    const free = firstGap({ low, high, step: 1n }, known, prefix.family);
    if (free !== undefined) return formatAddress(prefix.family, free);
  }
  throw new ProviderError('capacity', `No address of ${cidrs.join(', ')} is free`);
}

/** /31 and /32 (RFC 3021), /127 and /128 (RFC 6164) have no numbers to spare. */
function usableRange(prefix: Prefix): { low: bigint; high: bigint } {
  const [first, last] = [prefix.first, lastOf(prefix)];
  if (last - first <= 1n) return { low: first, high: last };
  return { low: first + 1n, high: prefix.family === 4 ? last - 1n : last };
}

function lowestFree(pool: Prefix, length: number, known: readonly Prefix[]): bigint | undefined {
  const step = 1n << BigInt((pool.family === 4 ? 32 : 128) - length);
  return firstGap({ low: pool.first, high: lastOf(pool), step }, known, pool.family);
}

/** Walks the taken prefixes in their order, so that its cost is theirs and not the pool's. */
function firstGap(
  range: { low: bigint; high: bigint; step: bigint },
  known: readonly Prefix[],
  family: 4 | 6,
): bigint | undefined {
  const taken = known
    .filter((prefix) => prefix.family === family && lastOf(prefix) >= range.low && prefix.first <= range.high)
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  let candidate = range.low;
  for (const prefix of taken) {
    if (candidate + range.step - 1n < prefix.first) break;
    if (lastOf(prefix) >= candidate) {
      const steps = (lastOf(prefix) - range.low) / range.step + 1n;
      candidate = range.low + steps * range.step;
    }
  }
  return candidate + range.step - 1n <= range.high ? candidate : undefined;
}
