const headerBytes = 8;

/**
 * The text of a container's log. Without a terminal its parts have headers: one byte for the stream, three zeros, four for the
 * length (Docker Engine API, `ContainerAttach`, "Stream format"). The end of it, at most `maxBytes`.
 */
export function plainText(log: Buffer, maxBytes: number): string {
  const parts: Buffer[] = [];
  let rest = log;
  while (rest.length >= headerBytes && isHeader(rest)) {
    const end = headerBytes + rest.readUInt32BE(4);
    parts.push(rest.subarray(headerBytes, end));
    rest = rest.subarray(end);
  }
  const text = Buffer.concat([...parts, rest]);
  let start = Math.max(0, text.length - maxBytes);
  // Begins with a whole character (UTF-8: a byte 10xxxxxx goes on with one).
  while (start > 0 && ((text[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return text.subarray(start).toString('utf8');
}

function isHeader(bytes: Buffer): boolean {
  return (bytes[0] ?? 9) <= 2 && bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0;
}
