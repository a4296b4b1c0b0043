import type { PictureLayer } from './stream.ts';

/**
 * The moving picture on a data channel, for who cannot get it as WebRTC video, or gets it sooner so. Fixed-width headers, big endian.
 *
 * Render node → viewer on `frames` (ordered, reliable): H.264 access units (Annex B), each cut into chunks that every browser takes.
 * Begin: 2 u8. What came before is not built upon: a keyframe follows.
 * Chunk: 1 u8 · flags u8 (1 keyframe, 2 weak layer) · RTP timestamp u32 · bytes of the whole frame u32 · offset of the chunk u32 · bytes.
 *
 * Viewer → render node on `frames.taken` (unordered, reliable), once a frame is decoded:
 * flags u8 (1: cannot go on without a keyframe) · RTP timestamp u32 · least round trip that was measured in ms u16.
 */
export type FrameChunk = {
  readonly kind: 'chunk';
  /** As of the same picture sent as WebRTC video. */
  readonly rtpTimestamp: number;
  readonly layer: PictureLayer;
  readonly isKeyframe: boolean;
  readonly frameBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
};
export type FrameMessage = FrameChunk | { readonly kind: 'begin' };
export type FrameTaken = {
  /** Frames up to this one are decoded. */
  readonly rtpTimestamp: number;
  readonly needsKeyframe: boolean;
  readonly roundTripMs: number;
};

export const framesLabel = 'frames';
export const framesTakenLabel = 'frames.taken';
const opcodes = { chunk: 1, begin: 2 } as const;
const flags = { keyframe: 1, weak: 2, needsKeyframe: 1 } as const;
const headerBytes = 14;
const takenBytes = 7;
/** With its header below 64 KiB, which is what a browser takes that names no other limit (RFC 8841 §6.1). */
const mostChunkBytes = 60_000;
/** No picture is as large: who says so has lost its way. */
const mostFrameBytes = 32 * 1_024 * 1_024;

export const frameBegin: Uint8Array<ArrayBuffer> = Uint8Array.of(opcodes.begin);

type WholeFrame = Pick<FrameChunk, 'rtpTimestamp' | 'layer' | 'isKeyframe'> & { readonly bytes: Uint8Array };

/** The messages of a frame, in their order. */
export function encodeFrame({
  rtpTimestamp,
  layer,
  isKeyframe,
  bytes,
}: WholeFrame): Uint8Array<ArrayBuffer>[] {
  const messages: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < bytes.length; offset += mostChunkBytes) {
    const part = bytes.subarray(offset, offset + mostChunkBytes);
    const message = new Uint8Array(headerBytes + part.length);
    const view = new DataView(message.buffer);
    view.setUint8(0, opcodes.chunk);
    view.setUint8(1, (isKeyframe ? flags.keyframe : 0) | (layer === 'weak' ? flags.weak : 0));
    view.setUint32(2, rtpTimestamp);
    view.setUint32(6, bytes.length);
    view.setUint32(10, offset);
    message.set(part, headerBytes);
    messages.push(message);
  }
  return messages;
}

/** Answers undefined to anything that is not exactly one well-formed message. */
export function decodeFrameMessage(message: Uint8Array<ArrayBuffer>): FrameMessage | undefined {
  if (message[0] === opcodes.begin) return message.length === 1 ? { kind: 'begin' } : undefined;
  if (message[0] !== opcodes.chunk || message.length <= headerBytes) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const [flag, frameBytes, offset] = [view.getUint8(1), view.getUint32(6), view.getUint32(10)];
  const bytes = message.subarray(headerBytes);
  const isInside = offset + bytes.length <= frameBytes && frameBytes <= mostFrameBytes;
  if (!isInside || (flag & ~(flags.keyframe | flags.weak)) !== 0) return undefined;
  return {
    ...{ kind: 'chunk', rtpTimestamp: view.getUint32(2), frameBytes, offset, bytes },
    layer: flag & flags.weak ? 'weak' : 'main',
    isKeyframe: (flag & flags.keyframe) !== 0,
  };
}

export function encodeFrameTaken({
  rtpTimestamp,
  needsKeyframe,
  roundTripMs,
}: FrameTaken): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(takenBytes);
  const view = new DataView(message.buffer);
  view.setUint8(0, needsKeyframe ? flags.needsKeyframe : 0);
  view.setUint32(1, rtpTimestamp);
  view.setUint16(5, Math.min(0xffff, Math.max(0, Math.floor(roundTripMs))));
  return message;
}

/** Answers undefined to what is no such word: a peer may send what it likes. */
export function decodeFrameTaken(message: Uint8Array): FrameTaken | undefined {
  const flag = message[0] ?? 0;
  if (message.length !== takenBytes || (flag & ~flags.needsKeyframe) !== 0) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return {
    rtpTimestamp: view.getUint32(1),
    needsKeyframe: flag === flags.needsKeyframe,
    roundTripMs: view.getUint16(5),
  };
}
