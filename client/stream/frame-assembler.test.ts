import { describe, expect, it } from 'vitest';
import { decodeFrameMessage, encodeFrame, type FrameChunk } from '@medusa/protocol';
import { FrameAssembler } from './frame-assembler.ts';

function chunksOf(rtpTimestamp: number, length: number): FrameChunk[] {
  const bytes = new Uint8Array(length).map((_, index) => index);
  return encodeFrame({ rtpTimestamp, layer: 'main', isKeyframe: false, bytes }).flatMap((message) => {
    const decoded = decodeFrameMessage(message);
    return decoded?.kind === 'chunk' ? decoded : [];
  });
}

describe('FrameAssembler', () => {
  it.each([1, 60_000, 60_001, 200_000])('gives back a frame of %i bytes', (length) => {
    const assembler = new FrameAssembler();
    const taken = chunksOf(7, length).map((chunk) => assembler.take(chunk));
    const bytes = new Uint8Array(length).map((_, index) => index);
    expect(taken.slice(0, -1)).toEqual(taken.slice(0, -1).fill('begun'));
    expect(taken.at(-1)).toMatchObject({ rtpTimestamp: 7, layer: 'main', isKeyframe: false, bytes });
  });

  it('says when a part is missing, and goes on with the next frame', () => {
    const assembler = new FrameAssembler();
    const [first, second, third] = chunksOf(7, 150_000);
    const [next] = chunksOf(8, 10);
    if (!first || !second || !third || !next) throw new Error('there are too few parts');
    expect(assembler.take(second)).toBe('broken');
    expect(assembler.take(first)).toBe('begun');
    expect(assembler.take(third)).toBe('broken');
    expect(assembler.take(first)).toBe('begun');
    expect(assembler.take({ ...second, rtpTimestamp: 9 })).toBe('broken');
    expect(assembler.take(next)).toMatchObject({ rtpTimestamp: 8 });
  });
});
