import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSequence, splitAnnexB } from './h264.ts';

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

describe('readSequence', () => {
  it.each([
    [
      '6742c01fda0280f69b808080a0000003002000000f11e30654',
      { widthPx: 640, heightPx: 480, codec: 'avc1.42c01f' },
    ],
    [
      '6742c02ada01e0089ea69b808080a0000003002000000f11e30654',
      { widthPx: 1918, heightPx: 1078, codec: 'avc1.42c02a' },
    ],
  ])('tells size and codec of what x264 makes: %s', (hex, expected) => {
    expect(readSequence(bytesOf(hex))).toEqual(expected);
  });

  it('answers undefined to profiles that it does not know, and never throws', () => {
    expect(readSequence(bytesOf('6764001fda02'))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        readSequence(Uint8Array.from([0x67, 66, ...bytes]));
      }),
    );
  });
});

describe('splitAnnexB', () => {
  it('finds the units between start codes of either length', () => {
    const units = splitAnnexB(bytesOf('000000016742000001684200000001654100'));
    expect(units.map((unit) => [...unit])).toEqual([
      [0x67, 0x42],
      [0x68, 0x42],
      [0x65, 0x41],
    ]);
    expect(splitAnnexB(bytesOf('010203'))).toEqual([]);
  });
});
