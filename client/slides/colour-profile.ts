const name = new TextEncoder().encode('ICC_PROFILE\0');
/** A segment's length has two bytes and counts itself; before the profile stand its name, a number and a count (ICC.1, annex B.4). */
const mostBytes = 0xffff - 2 - name.length - 2;

/** The JPEG with a colour profile in it, as DICOM keeps it beside: so the browser shows the colours that were meant. */
export function withColourProfile(jpeg: Uint8Array, profile: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = Math.ceil(profile.length / mostBytes);
  const parts = [jpeg.subarray(0, 2)];
  for (let index = 0; index < count; index += 1) {
    const piece = profile.subarray(index * mostBytes, (index + 1) * mostBytes);
    const length = 2 + name.length + 2 + piece.length;
    parts.push(
      Uint8Array.of(0xff, 0xe2, length >> 8, length & 0xff),
      name,
      Uint8Array.of(index + 1, count),
      piece,
    );
  }
  parts.push(jpeg.subarray(2));
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
