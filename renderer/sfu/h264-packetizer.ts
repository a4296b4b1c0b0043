/** RTP packets stay below this many bytes with all headers, so that no network on the way must cut them. */
const mostPayloadBytes = 1_180;
const oneByteExtensions = 0xbede;
const fragmentationUnitA = 28;

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

  packetize(accessUnit: Uint8Array, rtpTimestamp: number): Buffer[] {
    const units = splitAnnexB(accessUnit);
    return units.flatMap((unit, index) => {
      const isLastUnit = index === units.length - 1;
      const payloads = unit.length <= mostPayloadBytes ? [unit] : fragment(unit);
      return payloads.map((payload, part) =>
        this.#packet(payload, rtpTimestamp, isLastUnit && part === payloads.length - 1),
      );
    });
  }

  #packet(payload: Uint8Array, rtpTimestamp: number, isMarked: boolean): Buffer {
    const { payloadType, ssrc, playoutDelayId } = this.#options;
    const headerBytes = playoutDelayId === undefined ? 12 : 20;
    const packet = Buffer.alloc(headerBytes + payload.length);
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
    packet.set(payload, headerBytes);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packets += 1;
    this.payloadBytes += payload.length;
    return packet;
  }
}

/** The NAL units between the start codes of an Annex B byte stream, without the zero bytes around them. */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let begin = -1;
  for (let at = 0; at + 3 <= bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    if (begin >= 0) units.push(withoutTrailingZeros(bytes.subarray(begin, at)));
    begin = at + 3;
    at += 2;
  }
  if (begin >= 0) units.push(withoutTrailingZeros(bytes.subarray(begin)));
  return units.filter((unit) => unit.length > 0);
}

function withoutTrailingZeros(unit: Uint8Array): Uint8Array {
  // A NAL unit ends in a stop bit, so trailing zeros belong to the next start code (H.264 §B.1).
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end -= 1;
  return unit.subarray(0, end);
}

/** RFC 6184 §5.8. */
function fragment(unit: Uint8Array): Uint8Array[] {
  const header = unit[0] ?? 0;
  const partBytes = mostPayloadBytes - 2;
  const parts: Uint8Array[] = [];
  for (let at = 1; at < unit.length; at += partBytes) {
    const body = unit.subarray(at, at + partBytes);
    const isStart = at === 1;
    const isEnd = at + body.length === unit.length;
    const part = new Uint8Array(body.length + 2);
    part[0] = (header & 0xe0) | fragmentationUnitA;
    part[1] = (header & 0x1f) | (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0);
    part.set(body, 2);
    parts.push(part);
  }
  return parts;
}
