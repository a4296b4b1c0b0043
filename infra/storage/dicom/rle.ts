import { AppError } from '@medusa/protocol';
import type { ImagePixel } from './image.ts';

const headerBytes = 64;

/** RLE Lossless, PS3.5 annex G: a segment for each byte of each sample, the most significant one first. */
export function decodeRle(encoded: Buffer, image: ImagePixel): Buffer {
  const bytesPerSample = image.bitsAllocated / 8;
  const segments = image.samplesPerPixel * bytesPerSample;
  if (encoded.length < headerBytes || encoded.readUInt32LE(0) !== segments) throw broken();
  const pixels = image.rows * image.columns;
  const out = Buffer.alloc(pixels * segments);
  for (let segment = 0; segment < segments; segment++) {
    const start = encoded.readUInt32LE(4 + segment * 4);
    const stop = segment + 1 < segments ? encoded.readUInt32LE(8 + segment * 4) : encoded.length;
    if (start < headerBytes || stop > encoded.length || stop < start) throw broken();
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    unpack(encoded.subarray(start, stop), out, {
      first: sample * bytesPerSample + byte,
      step: segments,
      pixels,
    });
  }
  return out;
}

function broken(): AppError {
  return new AppError('object.unrenderable', 'The RLE pixel data are broken');
}

/** PackBits of one segment, spread over the pixels. */
function unpack(packed: Buffer, out: Buffer, target: { first: number; step: number; pixels: number }): void {
  let at = 0;
  let pixel = 0;
  const put = (bytes: Buffer): void => {
    for (const byte of bytes.subarray(0, target.pixels - pixel))
      out[target.first + pixel++ * target.step] = byte;
  };
  while (at < packed.length && pixel < target.pixels) {
    const control = packed.readInt8(at++);
    // -128 means nothing.
    if (control >= 0) put(packed.subarray(at, at + control + 1));
    else if (control > -128) put(Buffer.alloc(1 - control, packed[at]));
    at += control >= 0 ? control + 1 : control > -128 ? 1 : 0;
  }
  if (pixel < target.pixels) throw broken();
}
