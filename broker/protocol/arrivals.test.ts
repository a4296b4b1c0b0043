import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeArrivals, encodeArrivals, mostArrivals } from './arrivals.ts';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const arrival = fc.record({
  rtpTimestamp: uint32,
  atMs: uint32.map((tenths) => tenths / 10),
  untold: fc.nat(255),
});

describe('frame arrivals', () => {
  it('come back as they were told', () => {
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: mostArrivals }), (arrivals) => {
        expect(decodeArrivals(encodeArrivals(arrivals))).toEqual(arrivals);
      }),
    );
  });

  it('are the latest when there are too many, and nothing is made of anything else', () => {
    const many = Array.from({ length: mostArrivals + 1 }, (_, atMs) => ({
      rtpTimestamp: 1,
      atMs,
      untold: 0,
    }));
    expect(decodeArrivals(encodeArrivals(many))).toEqual(many.slice(1));
    expect(decodeArrivals(new Uint8Array(10))).toBeUndefined();
    expect(decodeArrivals(new Uint8Array(9 * (mostArrivals + 1)))).toBeUndefined();
  });
});
