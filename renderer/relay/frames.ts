import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { mostRelayFrameBytes, relayFrameKinds } from '@medusa/protocol';

const headerBytes = 5;
const timestampBytes = 4;
/** As far back as deflate looks (RFC 1951). */
const windowBytes = 32_768;

export type RelayFrame =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'picture'; readonly rtpTimestamp: number; readonly bytes: Uint8Array };

/** The frames of one direction of a connection as bytes. Messages are much like those before: each is packed with them as dictionary. */
export function createFrameWriter(): (frame: RelayFrame) => Buffer {
  const remember = createWindow();

  return (frame) => {
    if (frame.kind === 'message') {
      const text = Buffer.from(frame.text);
      return pack(relayFrameKinds.message, deflateRawSync(text, remember(text)));
    }
    const timestamp = Buffer.alloc(timestampBytes);
    timestamp.writeUInt32BE(frame.rtpTimestamp);
    return pack(relayFrameKinds.picture, timestamp, frame.bytes);
  };
}

function pack(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(1 + parts.reduce((sum, part) => sum + part.length, 0));
  header.writeUInt8(kind, 4);
  return Buffer.concat([header, ...parts]);
}

/** Takes the bytes of a connection as they come and answers the frames that they complete. @throws when it is no relay that speaks. */
export function createFrameReader(): (chunk: Buffer) => RelayFrame[] {
  const unpack = createUnpacker();
  let rest: Buffer = Buffer.alloc(0);

  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: RelayFrame[] = [];
    while (rest.length >= headerBytes) {
      const length = rest.readUInt32BE(0);
      if (length > mostRelayFrameBytes) throw new Error('A frame of the relay is too long');
      if (rest.length < 4 + length) break;
      frames.push(unpack(rest.readUInt8(4), rest.subarray(headerBytes, 4 + length)));
      rest = rest.subarray(4 + length);
    }
    return frames;
  };
}

function createUnpacker(): (kind: number, payload: Buffer) => RelayFrame {
  const remember = createWindow();

  return (kind, payload) => {
    if (kind === relayFrameKinds.message) {
      const options = { ...remember(), maxOutputLength: mostRelayFrameBytes };
      const text = inflateRawSync(payload, options);
      remember(text);
      return { kind: 'message', text: text.toString() };
    }
    if (kind !== relayFrameKinds.picture || payload.length < timestampBytes)
      throw new Error('The relay spoke of something unknown');
    const bytes = Uint8Array.from(payload.subarray(timestampBytes));
    return { kind: 'picture', rtpTimestamp: payload.readUInt32BE(0), bytes };
  };
}

/** Answers what was said before, and remembers what is said now. */
function createWindow(): (text?: Buffer) => { readonly dictionary?: Buffer } {
  let window: Buffer = Buffer.alloc(0);

  return (text) => {
    const before = window;
    if (text) window = Buffer.concat([window, text]).subarray(-windowBytes);
    return before.length === 0 ? {} : { dictionary: before };
  };
}
