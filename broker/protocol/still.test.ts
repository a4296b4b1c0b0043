import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStill, encodeStill, predictPlane, restorePlane, type StillMessage } from './index.ts';

const u16 = fc.integer({ min: 0, max: 0x7fff });
const length = fc.integer({ min: 1, max: 0x7fff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (options: { minLength: number; maxLength: number }): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array(options).map((given) => Uint8Array.from(given));
const tile: fc.Arbitrary<StillMessage> = fc
  .record({
    ...{ generation: u32, x: u16, y: u16, widthPx: length, heightPx: length },
    channels: fc.constantFrom(1 as const, 3 as const),
    deflated: bytes({ minLength: 1, maxLength: 100 }),
  })
  .map((given) => {
    const picture = { widthPx: given.x + given.widthPx, heightPx: given.y + given.heightPx };
    return { kind: 'tile', ...given, picture };
  });
const whole: fc.Arbitrary<StillMessage> = fc.record({
  kind: fc.constant('whole' as const),
  generation: u32,
  picture: fc.record({ widthPx: u16, heightPx: u16 }),
  rtpTimestamp: u32,
  sha256: bytes({ minLength: 32, maxLength: 32 }),
});

describe('the encoding of stills', () => {
  it('gives back every message it was given', () => {
    fc.assert(
      fc.property(fc.oneof(tile, whole), (given) => {
        expect(decodeStill(encodeStill(given))).toEqual(given);
      }),
    );
  });

  it('answers undefined to any other bytes, and never throws', () => {
    fc.assert(
      fc.property(bytes({ minLength: 0, maxLength: 60 }), (given) => {
        const decoded = decodeStill(given);
        if (decoded) expect(encodeStill(decoded)).toEqual(given);
      }),
    );
    expect(decodeStill(new Uint8Array())).toBeUndefined();
    const outside = {
      ...{ kind: 'tile' as const, generation: 1, picture: { widthPx: 8, heightPx: 8 } },
      ...{ x: 4, y: 0, widthPx: 5, heightPx: 8, channels: 1 as const, deflated: Uint8Array.of(3, 0) },
    };
    expect(decodeStill(encodeStill(outside))).toBeUndefined();
  });

  it('restores every plane that it predicted', () => {
    const plane = fc.integer({ min: 1, max: 40 }).chain((widthPx) =>
      fc.integer({ min: 1, max: 12 }).chain((rows) => {
        const minLength = widthPx * rows;
        return fc.record({
          widthPx: fc.constant(widthPx),
          pixels: fc.uint8Array({ minLength, maxLength: minLength }),
        });
      }),
    );
    fc.assert(
      fc.property(plane, ({ widthPx, pixels }) => {
        const restored = predictPlane(pixels, widthPx);
        restorePlane(restored, widthPx);
        expect([...restored]).toEqual([...pixels]);
      }),
    );
  });
});
