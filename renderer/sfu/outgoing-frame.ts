import { encodeFrame, type PictureLayer } from '@medusa/protocol';
import type { AccessUnit } from '../encoder/index.ts';

/** A frame on its way to the participants. */
export type OutgoingFrame = {
  readonly layer: PictureLayer;
  readonly rtpTimestamp: number;
  readonly byteLength: number;
  /** On the node's monotonic clock. */
  readonly atMs: number;
  /** A decoder may begin with it. */
  readonly isKeyframe: boolean;
  /** What it is on a data channel: the same to all, and made only when somebody gets it so. */
  readonly messages: () => readonly Buffer[];
};

const codedSlice = { plain: 1, keyframe: 5 } as const;

export function outgoingFrame(unit: Pick<AccessUnit, 'layer' | 'bytes' | 'rtpTimestamp'>): OutgoingFrame {
  const { layer, bytes, rtpTimestamp } = unit;
  const isKeyframe = isKeyframeUnit(bytes);
  let made: readonly Buffer[] | undefined;
  return {
    ...{ layer, rtpTimestamp, isKeyframe, byteLength: bytes.length, atMs: performance.now() },
    messages: () =>
      (made ??= encodeFrame({ layer, bytes, rtpTimestamp, isKeyframe }).map((message) =>
        Buffer.from(message.buffer),
      )),
  };
}

/** By its first coded slice (H.264 table 7-1): pictures of another node come without a word of what they are. */
export function isKeyframeUnit(bytes: Uint8Array): boolean {
  for (let at = 0; at + 3 < bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    const type = (bytes[at + 3] ?? 0) & 0x1f;
    if (type === codedSlice.keyframe) return true;
    if (type === codedSlice.plain) return false;
    at += 3;
  }
  return false;
}
