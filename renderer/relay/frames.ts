import { mostRelayFrameBytes, relayFrameKinds } from '@medusa/protocol';

const headerBytes = 5;
const timestampBytes = 4;

export type RelayFrame =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'picture'; readonly rtpTimestamp: number; readonly bytes: Uint8Array };

export function encodeFrame(frame: RelayFrame): Buffer {
  if (frame.kind === 'message') return pack(relayFrameKinds.message, Buffer.from(frame.text));
  const timestamp = Buffer.alloc(timestampBytes);
  timestamp.writeUInt32BE(frame.rtpTimestamp);
  return pack(relayFrameKinds.picture, timestamp, frame.bytes);
}

function pack(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(1 + parts.reduce((sum, part) => sum + part.length, 0));
  header.writeUInt8(kind, 4);
  return Buffer.concat([header, ...parts]);
}

/** Takes the bytes of a connection as they come and answers the frames that they complete. @throws when it is no relay that speaks. */
export function createFrameReader(): (chunk: Buffer) => RelayFrame[] {
  let rest: Buffer = Buffer.alloc(0);

  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: RelayFrame[] = [];
    while (rest.length >= headerBytes) {
      const length = rest.readUInt32BE(0);
      if (length > mostRelayFrameBytes) throw new Error('A frame of the relay is too long');
      if (rest.length < 4 + length) break;
      frames.push(decode(rest.readUInt8(4), rest.subarray(headerBytes, 4 + length)));
      rest = rest.subarray(4 + length);
    }
    return frames;
  };
}

function decode(kind: number, payload: Buffer): RelayFrame {
  if (kind === relayFrameKinds.message) return { kind: 'message', text: payload.toString() };
  if (kind !== relayFrameKinds.picture || payload.length < timestampBytes)
    throw new Error('The relay spoke of something unknown');
  const bytes = Uint8Array.from(payload.subarray(timestampBytes));
  return { kind: 'picture', rtpTimestamp: payload.readUInt32BE(0), bytes };
}
