import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInput, encodeInput, type InputEvent } from './index.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const i16 = fc.integer({ min: -0x8000, max: 0x7fff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const event: fc.Arbitrary<InputEvent> = fc.oneof(
  fc.record({ kind: fc.constant('move' as const), sequence: u32, x: u16, y: u16 }),
  fc.record({ kind: fc.constant('move-by' as const), sequence: u32, dx: i16, dy: i16 }),
  fc.record({
    kind: fc.constant('button' as const),
    sequence: u32,
    x: u16,
    y: u16,
    button: fc.integer({ min: 1, max: 9 }),
    isDown: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('wheel' as const),
    sequence: u32,
    x: u16,
    y: u16,
    notchesX: i16,
    notchesY: i16,
  }),
  fc.record({ kind: fc.constant('key' as const), sequence: u32, keysym: u32, isDown: fc.boolean() }),
  fc.record({
    kind: fc.constant('resize' as const),
    ...{ sequence: u32, widthPx: u16, heightPx: u16, scalePercent: u16 },
  }),
  fc.record({
    kind: fc.constant('resize' as const),
    ...{ sequence: u32, widthPx: u16, heightPx: u16, scalePercent: u16, seamPx: u16 },
  }),
  fc.record({ kind: fc.constant('release-all' as const), sequence: u32 }),
);

describe('the input encoding', () => {
  it('gives back every event it was given', () => {
    fc.assert(
      fc.property(event, (given) => {
        expect(decodeInput(encodeInput(given))).toEqual(given);
      }),
    );
  });

  it('answers undefined to any other bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const decoded = decodeInput(bytes);
        if (decoded) expect(encodeInput(decoded).byteLength).toBe(bytes.byteLength);
      }),
    );
    expect(decodeInput(new Uint8Array())).toBeUndefined();
    expect(decodeInput(Uint8Array.of(1, 0, 0, 0, 1, 0))).toBeUndefined();
    expect(decodeInput(Uint8Array.of(99, 0, 0, 0, 1))).toBeUndefined();
  });
});
