/**
 * The picture at rest without loss, as it travels on the data channel `still` (ordered, reliable): tiles of the picture, then the word
 * that it is whole, with its hash. Fixed-width header, big endian, one message per tile.
 *
 * Tile: 1 u8 · generation u32 · picture width, height u16 · x, y, width, height u16 · channels u8 · raw deflate (RFC 1951) of the planes.
 * Whole: 2 u8 · generation u32 · picture width, height u16 · RTP timestamp u32 · SHA-256 of the picture as RGBA, alpha 255.
 */
export type StillTile = {
  readonly kind: 'tile';
  readonly generation: number;
  readonly picture: StillSize;
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** 1: gray. 3: green, red - green, blue - green. */
  readonly channels: 1 | 3;
  readonly deflated: Uint8Array<ArrayBuffer>;
};
export type StillWhole = {
  readonly kind: 'whole';
  readonly generation: number;
  readonly picture: StillSize;
  /** Frames of the video up to this one show nothing newer. Told again when a frame shows the same. */
  readonly rtpTimestamp: number;
  readonly sha256: Uint8Array<ArrayBuffer>;
};
export type StillMessage = StillTile | StillWhole;
export type StillSize = { readonly widthPx: number; readonly heightPx: number };

export const stillLabel = 'still';
const opcodes = { tile: 1, whole: 2 } as const;
const tileHeaderBytes = 18;
const hashBytes = 32;
const wholeBytes = 13 + hashBytes;

export function encodeStill(message: StillMessage): Uint8Array<ArrayBuffer> {
  const { kind, generation, picture } = message;
  const bytes = new Uint8Array(
    kind === 'tile' ? tileHeaderBytes + message.deflated.length : 13 + message.sha256.length,
  );
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcodes[kind]);
  view.setUint32(1, generation);
  view.setUint16(5, picture.widthPx);
  view.setUint16(7, picture.heightPx);
  if (kind === 'whole') {
    view.setUint32(9, message.rtpTimestamp);
    bytes.set(message.sha256, 13);
    return bytes;
  }
  view.setUint16(9, message.x);
  view.setUint16(11, message.y);
  view.setUint16(13, message.widthPx);
  view.setUint16(15, message.heightPx);
  view.setUint8(17, message.channels);
  bytes.set(message.deflated, tileHeaderBytes);
  return bytes;
}

/** Answers undefined to anything that is not exactly one well-formed message. */
export function decodeStill(bytes: Uint8Array<ArrayBuffer>): StillMessage | undefined {
  if (bytes.length < wholeBytes && (bytes[0] !== opcodes.tile || bytes.length <= tileHeaderBytes))
    return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const generation = view.getUint32(1);
  const picture = { widthPx: view.getUint16(5), heightPx: view.getUint16(7) };
  if (bytes[0] === opcodes.tile) return decodeTile(view, bytes, { generation, picture });
  if (bytes[0] !== opcodes.whole || bytes.length !== wholeBytes) return undefined;
  return {
    ...{ kind: 'whole', generation, picture },
    rtpTimestamp: view.getUint32(9),
    sha256: bytes.slice(13),
  };
}

function decodeTile(
  view: DataView,
  bytes: Uint8Array<ArrayBuffer>,
  head: Pick<StillTile, 'generation' | 'picture'>,
): StillTile | undefined {
  const [x, y] = [view.getUint16(9), view.getUint16(11)];
  const [widthPx, heightPx] = [view.getUint16(13), view.getUint16(15)];
  const channels = view.getUint8(17);
  const { picture } = head;
  const isInside = x + widthPx <= picture.widthPx && y + heightPx <= picture.heightPx;
  if (!isInside || widthPx === 0 || heightPx === 0 || (channels !== 1 && channels !== 3)) return undefined;
  const deflated = bytes.subarray(tileHeaderBytes);
  return { kind: 'tile', ...head, x, y, widthPx, heightPx, channels, deflated };
}

/**
 * A plane with each pixel replaced by how far it is from left + above - above left (modulo 256; 0 beyond the edge). Of CT slices that
 * leaves two thirds of what PNG's filters leave.
 */
export function predictPlane(plane: Uint8Array, widthPx: number): Uint8Array<ArrayBuffer> {
  const rest = new Uint8Array(plane.length);
  for (let row = 0; row < plane.length; row += widthPx) {
    let [left, aboveLeft] = [0, 0];
    for (let at = row; at < row + widthPx; at += 1) {
      const above = row === 0 ? 0 : (plane[at - widthPx] ?? 0);
      const value = plane[at] ?? 0;
      rest[at] = value - left - above + aboveLeft;
      left = value;
      aboveLeft = above;
    }
  }
  return rest;
}

/** The plane that `predictPlane` was given, in the place of what it made. */
export function restorePlane(rest: Uint8Array, widthPx: number): void {
  for (let row = 0; row < rest.length; row += widthPx) {
    let [left, aboveLeft] = [0, 0];
    for (let at = row; at < row + widthPx; at += 1) {
      const above = row === 0 ? 0 : (rest[at - widthPx] ?? 0);
      left = ((rest[at] ?? 0) + left + above - aboveLeft) & 0xff;
      rest[at] = left;
      aboveLeft = above;
    }
  }
}
