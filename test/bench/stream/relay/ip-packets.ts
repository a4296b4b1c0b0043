/** A stream of bytes from a TUN device, cut into its packets by what they say of their own length (RFC 791 §3.1, RFC 8200 §3). */
export function createPacketCutter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const packets: Buffer[] = [];
    for (
      let length = lengthOf(rest);
      length !== undefined && length <= rest.length;
      length = lengthOf(rest)
    ) {
      packets.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return packets;
  };
}

const headerBytes = { 4: 20, 6: 40 } as const;

/** Undefined: more has to come before it can be said. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length === 0) return undefined;
  const version = (bytes[0] ?? 0) >> 4;
  if (version !== 4 && version !== 6) throw new Error(`A packet of IP version ${version}`);
  if (bytes.length < headerBytes[version]) return undefined;
  return version === 4 ? bytes.readUInt16BE(2) : headerBytes[6] + bytes.readUInt16BE(4);
}
