/**
 * A film of 60 H.264 frames of 1280 × 720: per frame its length (32 bit, big endian) and an access unit
 * (ITU-T H.264 Annex B); the first one is a key frame.
 */
const filmPath = '/decode-test.frames';
const codec = 'avc1.42001f';
const passes = 2;

/** Decodes a short film as fast as the browser can. Null if the browser has no WebCodecs or cannot decode it. */
export async function measureDecodeRate(signal: AbortSignal): Promise<number | null> {
  if (!('VideoDecoder' in globalThis)) return null;
  try {
    const { supported } = await VideoDecoder.isConfigSupported({ codec });
    if (supported !== true) return null;
    const response = await fetch(filmPath, { signal });
    if (!response.ok) return null;
    return await decodeAll(splitFilm(await response.arrayBuffer()), signal);
  } catch {
    return null;
  }
}

/** The access units of the film. */
function splitFilm(film: ArrayBuffer): readonly Uint8Array<ArrayBuffer>[] {
  const view = new DataView(film);
  const units: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at + 4 <= film.byteLength;) {
    const length = view.getUint32(at);
    units.push(new Uint8Array(film, at + 4, length));
    at += 4 + length;
  }
  return units;
}

async function decodeAll(units: readonly Uint8Array<ArrayBuffer>[], signal: AbortSignal): Promise<number> {
  const failed = Promise.withResolvers<never>();
  let frames = 0;
  const decoder = new VideoDecoder({
    output: (frame) => {
      frames += 1;
      frame.close();
    },
    error: failed.reject,
  });
  try {
    decoder.configure({ codec, optimizeForLatency: true });
    const decode = async (): Promise<void> => {
      units.forEach((data, index) =>
        decoder.decode(
          new EncodedVideoChunk({ type: index === 0 ? 'key' : 'delta', timestamp: index * 33_333, data }),
        ),
      );
      await Promise.race([decoder.flush(), failed.promise]);
    };
    // The first pass starts the decoder up.
    await decode();
    signal.throwIfAborted();
    frames = 0;
    const start = performance.now();
    for (let pass = 0; pass < passes; pass += 1) await decode();
    return (frames * 1_000) / Math.max(1, performance.now() - start);
  } finally {
    if (decoder.state !== 'closed') decoder.close();
  }
}
