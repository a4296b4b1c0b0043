import type { FrameChunk } from '@medusa/protocol';

/** An access unit as it came from a data channel. */
export type WholeFrame = Pick<FrameChunk, 'rtpTimestamp' | 'layer' | 'isKeyframe' | 'bytes'> & {
  /** When the last of it was there, on the page's clock. */
  readonly receivedAt: number;
};

/** Puts frames together from chunks that come in their order. */
export class FrameAssembler {
  #begun:
    { readonly rtpTimestamp: number; readonly bytes: Uint8Array<ArrayBuffer>; received: number } | undefined;

  /** @returns the frame that this chunk completes; `broken` when something before it is missing. */
  take(chunk: FrameChunk): WholeFrame | 'begun' | 'broken' {
    const { rtpTimestamp, frameBytes, offset } = chunk;
    if (offset === 0 && chunk.bytes.length === frameBytes) return whole(chunk, chunk.bytes);
    if (offset === 0) this.#begun = { rtpTimestamp, bytes: new Uint8Array(frameBytes), received: 0 };
    const begun = this.#begun;
    const isNext =
      begun?.rtpTimestamp === rtpTimestamp && begun.received === offset && begun.bytes.length === frameBytes;
    if (!isNext) {
      this.#begun = undefined;
      return 'broken';
    }
    begun.bytes.set(chunk.bytes, offset);
    begun.received += chunk.bytes.length;
    if (begun.received < frameBytes) return 'begun';
    this.#begun = undefined;
    return whole(chunk, begun.bytes);
  }
}

function whole({ rtpTimestamp, layer, isKeyframe }: FrameChunk, bytes: Uint8Array<ArrayBuffer>): WholeFrame {
  return { rtpTimestamp, layer, isKeyframe, bytes, receivedAt: performance.now() };
}
