/** RTP packets stay below this many bytes with all headers, so that no network on the way must cut them. */
const mostPayloadBytes = 1_180;
const oneByteExtensions = 0xbede;
const fragmentationUnitA = 28;
const startCode = Buffer.of(0, 0, 1);

/** Of one packet: what comes before a part of a NAL unit, and that. */
type Payload = { readonly head: readonly number[]; readonly body: Uint8Array };

export type PacketizerOptions = {
  readonly payloadType: number;
  readonly ssrc: number;
  /** Identifier of the playout-delay header extension, when it is agreed on. */
  readonly playoutDelayId: number | undefined;
  readonly firstSequence: number;
};

/**
 * H.264 access units → RTP packets (RFC 6184, packetization mode 1: single NAL units and FU-A). Each packet carries the
 * playout-delay extension with 0/0: show the frame at once, keep no jitter buffer.
 */
export class H264Packetizer {
  readonly #options: PacketizerOptions;
  #sequence: number;
  packets = 0;
  payloadBytes = 0;

  constructor(options: PacketizerOptions) {
    this.#options = options;
    this.#sequence = options.firstSequence;
  }

  /** The packets of one picture share their memory: thousands of small ones a second keep V8 collecting garbage. */
  packetize(accessUnit: Uint8Array, rtpTimestamp: number): Buffer[] {
    const payloads = splitAnnexB(accessUnit).flatMap((unit) =>
      unit.length <= mostPayloadBytes ? [{ head: [], body: unit }] : fragment(unit),
    );
    const headerBytes = this.#options.playoutDelayId === undefined ? 12 : 20;
    const bytesOf = ({ head, body }: Payload): number => headerBytes + head.length + body.length;
    const memory = Buffer.alloc(payloads.reduce((sum, payload) => sum + bytesOf(payload), 0));
    let at = 0;
    return payloads.map((payload, index) => {
      const packet = memory.subarray(at, at + bytesOf(payload));
      at += packet.length;
      this.#writeHeader(packet, rtpTimestamp, index === payloads.length - 1);
      packet.set(payload.head, headerBytes);
      packet.set(payload.body, headerBytes + payload.head.length);
      this.packets += 1;
      this.payloadBytes += packet.length - headerBytes;
      return packet;
    });
  }

  /** RFC 3550 §5.1, RFC 8285 §4.2. */
  #writeHeader(packet: Buffer, rtpTimestamp: number, isMarked: boolean): void {
    const { payloadType, ssrc, playoutDelayId } = this.#options;
    packet[0] = 0x80 | (playoutDelayId === undefined ? 0 : 0x10);
    packet[1] = (isMarked ? 0x80 : 0) | payloadType;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(rtpTimestamp >>> 0, 4);
    packet.writeUInt32BE(ssrc, 8);
    if (playoutDelayId !== undefined) {
      packet.writeUInt16BE(oneByteExtensions, 12);
      packet.writeUInt16BE(1, 14);
      // Three bytes of data (length field 2): least and most delay, both 0.
      packet[16] = (playoutDelayId << 4) | 2;
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
  }
}

/** The NAL units between the start codes of an Annex B byte stream, without the zero bytes around them. */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
  const stream = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const units: Uint8Array[] = [];
  let next = stream.indexOf(startCode);
  while (next >= 0) {
    const begin = next + startCode.length;
    next = stream.indexOf(startCode, begin);
    units.push(withoutTrailingZeros(bytes.subarray(begin, next < 0 ? undefined : next)));
  }
  return units.filter((unit) => unit.length > 0);
}

function withoutTrailingZeros(unit: Uint8Array): Uint8Array {
  // A NAL unit ends in a stop bit, so trailing zeros belong to the next start code (H.264 §B.1).
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end -= 1;
  return unit.subarray(0, end);
}

/** RFC 6184 §5.8. */
function fragment(unit: Uint8Array): Payload[] {
  const header = unit[0] ?? 0;
  const partBytes = mostPayloadBytes - 2;
  const parts: Payload[] = [];
  for (let at = 1; at < unit.length; at += partBytes) {
    const body = unit.subarray(at, at + partBytes);
    const isStart = at === 1;
    const isEnd = at + body.length === unit.length;
    const indicator = (header & 0xe0) | fragmentationUnitA;
    parts.push({
      head: [indicator, (header & 0x1f) | (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0)],
      body,
    });
  }
  return parts;
}
