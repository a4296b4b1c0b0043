import { restorePlane, type StillTile } from '@medusa/protocol';

/** The pixels of a tile as RGBA, alpha 255. @throws when it does not hold exactly its pixels. */
export async function decodeTile(tile: StillTile): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const { widthPx, heightPx, channels, deflated } = tile;
  const count = widthPx * heightPx;
  const planes = await inflate(deflated, count * channels);
  for (let plane = 0; plane < channels; plane += 1)
    restorePlane(planes.subarray(plane * count, (plane + 1) * count), widthPx);
  const pixels = new Uint8ClampedArray(count * 4);
  const words = new Uint32Array(pixels.buffer);
  // Typed arrays are little endian wherever browsers run: alpha is the highest byte.
  if (channels === 1)
    for (let at = 0; at < count; at += 1) words[at] = 0xff000000 | ((planes[at] ?? 0) * 0x010101);
  else
    for (let at = 0; at < count; at += 1) {
      const green = planes[at] ?? 0;
      const red = (green + (planes[count + at] ?? 0)) & 0xff;
      const blue = (green + (planes[2 * count + at] ?? 0)) & 0xff;
      words[at] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  return pixels;
}

async function inflate(bytes: Uint8Array<ArrayBuffer>, length: number): Promise<Uint8Array> {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  // What fails here fails the reading too.
  writer.write(bytes).catch(() => undefined);
  writer.close().catch(() => undefined);
  const reader = stream.readable.getReader();
  const whole = new Uint8Array(length);
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (at + part.value.length > length) {
      await reader.cancel();
      throw new RangeError('A tile holds more than its pixels');
    }
    whole.set(part.value, at);
    at += part.value.length;
  }
  if (at !== length) throw new RangeError('A tile holds less than its pixels');
  return whole;
}
