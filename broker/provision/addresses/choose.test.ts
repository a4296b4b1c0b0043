import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseAddress,
  chooseCidrs,
  cidrsOverlap,
  gatewayOf,
  isWithin,
  usableAddresses,
  type SubnetPool,
} from './index.ts';

const pools: SubnetPool[] = [
  { prefix: '10.0.0.0/24', subnetLength: 27 },
  { prefix: 'fd00::/60', subnetLength: 64 },
];
/** Prefixes in and around the pools, of any length. */
const anyV4 = fc
  .tuple(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 22, max: 32 }))
  .map(([offset, length]) => `10.0.${offset >> 8}.${offset & 255}/${length}`);
const anyV6 = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 58, max: 70 }))
  .map(([subnet, length]) => `fd00:0:0:${subnet.toString(16)}::/${length}`);
const anyTaken = fc.array(fc.oneof(anyV4, anyV6), { maxLength: 8 });

function tryChoose(taken: readonly string[]): string[] | undefined {
  try {
    return chooseCidrs(taken, pools);
  } catch (error) {
    expect(error).toMatchObject({ fault: 'capacity' });
    return undefined;
  }
}

describe('chosen subnets', () => {
  it('are one of each family, and the same for the same question', () => {
    expect(chooseCidrs([])).toEqual(['10.112.0.0/24', 'fd6d:6564:7573::/64']);
    expect(chooseCidrs(['10.112.0.128/25', 'fd6d:6564:7573::/64'])).toEqual([
      '10.112.1.0/24',
      'fd6d:6564:7573:1::/64',
    ]);
  });

  it('overlap with nothing that is taken and lie in their pool', () => {
    fc.assert(
      fc.property(anyTaken, (taken) => {
        for (const [index, chosen] of (tryChoose(taken) ?? []).entries()) {
          expect(taken.filter((cidr) => cidrsOverlap(cidr, chosen))).toEqual([]);
          expect(isWithin(chosen, pools[index]?.prefix ?? '')).toBe(true);
        }
      }),
    );
  });

  it('are refused only when every one of the pool overlaps with something', () => {
    fc.assert(
      fc.property(anyTaken, (taken) => {
        if (tryChoose(taken)) return;
        const all4 = Array.from({ length: 8 }, (_, index) => `10.0.0.${index * 32}/27`);
        const all6 = Array.from({ length: 16 }, (_, index) => `fd00:0:0:${index.toString(16)}::/64`);
        const isFull = (all: string[]): boolean =>
          all.every((cidr) => taken.some((other) => cidrsOverlap(cidr, other)));
        expect(isFull(all4) || isFull(all6)).toBe(true);
      }),
    );
  });

  it('can be had again once they were given back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 30 }), (reclaimed) => {
        const [pool] = pools;
        if (!pool) throw new Error('no pool');
        const all: string[] = [];
        for (let index = 0; index < 8; index++) all.push(...chooseCidrs(all, [pool]));
        expect(new Set(all).size).toBe(8);
        expect(() => chooseCidrs(all, [pool])).toThrow('The address pool 10.0.0.0/24 has no free /27 left');
        for (const index of reclaimed)
          expect(
            chooseCidrs(
              all.filter((_, at) => at !== index),
              [pool],
            ),
          ).toEqual([all[index]]);
      }),
    );
  });
});

describe('chosen addresses', () => {
  it('begin after the gateway when that is taken', () => {
    expect(gatewayOf('10.1.2.0/24')).toBe('10.1.2.1');
    expect(gatewayOf('fd00::/64')).toBe('fd00::1');
    expect(chooseAddress(['10.1.2.0/24'], ['10.1.2.1'])).toBe('10.1.2.2');
    expect(chooseAddress(['192.0.2.8/32'], [])).toBe('192.0.2.8');
  });

  it('are all the usable ones, each once, then none', () => {
    for (const [cidr, count] of [
      ['192.0.2.0/29', 6],
      ['192.0.2.0/31', 2],
      ['fd00::/125', 7],
    ] as const) {
      const taken: string[] = [];
      for (let index = 0; index < count; index++) taken.push(chooseAddress([cidr], taken));
      expect(new Set(taken).size).toBe(count);
      expect(taken.every((address) => isWithin(address, cidr))).toBe(true);
      expect(() => chooseAddress([cidr], taken)).toThrow(`No address of ${cidr} is free`);
      expect(chooseAddress([cidr], taken.slice(1))).toBe(taken[0]);
    }
  });

  it('go on in the next subnet', () => {
    expect(chooseAddress(['192.0.2.0/32', '198.51.100.0/30'], ['192.0.2.0'])).toBe('198.51.100.1');
  });

  it('are neither the number of the subnet nor its broadcast', () => {
    expect(usableAddresses('192.0.2.0/24')).toEqual({ first: '192.0.2.1', last: '192.0.2.254' });
  });
});

describe('a prefix', () => {
  it.each(['10.0.0.0/33', '10.0.0.0/', 'ten/8', '10.0.0.0/8/8', 'fd00::/129'])('%s is refused', (text) => {
    expect(() => isWithin(text, '10.0.0.0/8')).toThrow(RangeError);
  });
});
