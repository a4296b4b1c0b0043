/**
 * What a viewer tells of the frames that came, on a data channel of its own (unordered, never resent): for each the RTP timestamp u32, when
 * all of it was there in tenths of a ms of the viewer's clock u32 (modulo 2^32), and how many right before it came untold u8. Big endian.
 */
export type FrameArrival = {
  readonly rtpTimestamp: number;
  /** ms of the viewer's clock, modulo 2^32 tenths. */
  readonly atMs: number;
  readonly untold: number;
};

export const frameArrivalsLabel = 'frames.arrived';
export const mostArrivals = 100;
const entryBytes = 9;

/** @param arrivals at most `mostArrivals`; of more the latest are told. */
export function encodeArrivals(arrivals: readonly FrameArrival[]): Uint8Array<ArrayBuffer> {
  const told = arrivals.slice(-mostArrivals);
  const bytes = new Uint8Array(told.length * entryBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, { rtpTimestamp, atMs, untold }] of told.entries()) {
    view.setUint32(index * entryBytes, rtpTimestamp);
    view.setUint32(index * entryBytes + 4, Math.round(atMs * 10));
    view.setUint8(index * entryBytes + 8, Math.min(untold, 255));
  }
  return bytes;
}

/** Answers undefined to what is no list of arrivals: a peer may send what it likes. */
export function decodeArrivals(bytes: Uint8Array): FrameArrival[] | undefined {
  const count = bytes.byteLength / entryBytes;
  if (!Number.isInteger(count) || count > mostArrivals) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => ({
    rtpTimestamp: view.getUint32(index * entryBytes),
    atMs: view.getUint32(index * entryBytes + 4) / 10,
    untold: view.getUint8(index * entryBytes + 8),
  }));
}
