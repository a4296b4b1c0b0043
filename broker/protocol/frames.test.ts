import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFrameMessage,
  decodeFrameTaken,
  encodeFrame,
  encodeFrameTaken,
  frameBegin,
  type FrameChunk,
} from './index.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ minLength: 1, maxLength, size: 'max' }).map((given) => Uint8Array.from(given));
const frame = fc.record({
  rtpTimestamp: u32,
  layer: fc.constantFrom('main' as const, 'weak' as const),
  isKeyframe: fc.boolean(),
  bytes: bytes(200_000),
});

describe('frames on a data channel', () => {
  it('come in messages that every browser takes, from which they are put together again', () => {
    fc.assert(
      fc.property(frame, (given) => {
        const messages = encodeFrame(given);
        const chunks = messages.map((message) => decodeFrameMessage(message) as FrameChunk);

        expect(Math.max(...messages.map(({ length }) => length))).toBeLessThan(64 * 1_024);
        const { bytes: sent, ...head } = given;
        const together = new Uint8Array(sent.length);
        let offset = 0;
        for (const { bytes: part, ...chunk } of chunks) {
          expect(chunk).toEqual({ kind: 'chunk', ...head, frameBytes: sent.length, offset });
          together.set(part, offset);
          offset += part.length;
        }
        expect(together.every((byte, at) => byte === sent[at])).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('answers undefined to any other bytes, and never throws', () => {
    fc.assert(
      fc.property(bytes(60), (given) => {
        const decoded = decodeFrameMessage(given);
        if (decoded?.kind === 'chunk')
          expect(decoded.offset + decoded.bytes.length).toBeLessThanOrEqual(decoded.frameBytes);
      }),
    );
    expect(decodeFrameMessage(new Uint8Array())).toBeUndefined();
    expect(decodeFrameMessage(frameBegin)).toEqual({ kind: 'begin' });
    expect(decodeFrameMessage(Uint8Array.of(2, 0))).toBeUndefined();
    const [whole] = encodeFrame({
      ...{ rtpTimestamp: 1, layer: 'main', isKeyframe: true },
      bytes: Uint8Array.of(1, 2),
    });
    if (!whole) throw new Error('a frame has a message');
    expect(decodeFrameMessage(Uint8Array.from([...whole, 3]))).toBeUndefined();
    expect(decodeFrameMessage(whole.slice(0, 14))).toBeUndefined();
  });
});

describe('the word that a frame was taken', () => {
  it('gives back what it was given', () => {
    const taken = fc.record({
      rtpTimestamp: u32,
      needsKeyframe: fc.boolean(),
      roundTripMs: fc.nat(0xffff),
    });
    fc.assert(
      fc.property(taken, (given) => {
        expect(decodeFrameTaken(encodeFrameTaken(given))).toEqual(given);
      }),
    );
  });

  it('is nothing else, whatever a viewer sends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (given) => {
        const decoded = decodeFrameTaken(given);
        if (decoded) expect([...encodeFrameTaken(decoded)]).toEqual([...given]);
      }),
    );
    expect(decodeFrameTaken(new Uint8Array())).toBeUndefined();
  });
});
