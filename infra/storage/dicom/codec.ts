import { AppError } from '@medusa/protocol';
import { Decoder as LosslessDecoder } from 'jpeg-lossless-decoder-js';
import { swapped } from './json-writer.ts';
import { frameBytes, type ImagePixel } from './image.ts';
import { decodeRle } from './rle.ts';
import type { PixelEncoding } from './transfer-syntax.ts';

/** Little endian samples, pixel after pixel. `photometricInterpretation` is what they are after decoding. */
export type DecodedFrame = {
  readonly samples: Buffer;
  readonly bitsAllocated: number;
  readonly photometricInterpretation: string;
};

/** Loaded with their first frame. */
const wasmCodecs = {
  'jpeg-ls': {
    load: async () => (await import('@cornerstonejs/codec-charls/decodewasmjs')).default(),
    decoder: 'JpegLSDecoder',
  },
  'jpeg-2000': {
    load: async () => (await import('@cornerstonejs/codec-openjpeg/decodewasmjs')).default(),
    decoder: 'J2KDecoder',
  },
  htj2k: {
    load: async () => (await import('@cornerstonejs/codec-openjph/wasmjs')).default(),
    decoder: 'HTJ2KDecoder',
  },
  jpeg: {
    load: async () => (await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs')).default(),
    decoder: 'JPEGDecoder',
  },
} as const;
type WasmEncoding = keyof typeof wasmCodecs;
const loaded = new Map<WasmEncoding, ReturnType<(typeof wasmCodecs)[WasmEncoding]['load']>>();

/** Whether frames of this encoding can be decoded here. */
export function isDecodable(pixels: PixelEncoding): boolean {
  return pixels !== 'other' && pixels !== 'jpeg-extended';
}

/** @throws AppError `object.unrenderable` for what no codec here can read. */
export async function decodeFrame(
  encoded: Buffer,
  pixels: PixelEncoding,
  image: ImagePixel,
): Promise<DecodedFrame> {
  switch (pixels) {
    case 'native':
      return { ...image, samples: encoded };
    case 'rle':
      return { ...image, samples: decodeRle(encoded, image) };
    case 'jpeg-lossless':
      return decodeLossless(encoded, image);
    case 'jpeg-ls':
    case 'jpeg-2000':
    case 'htj2k':
    case 'jpeg':
      return decodeWasm(encoded, pixels, image);
    case 'jpeg-extended':
    case 'other':
      throw new AppError('object.unrenderable', 'There is no decoder for this transfer syntax');
  }
}

async function decodeWasm(encoded: Buffer, pixels: WasmEncoding, image: ImagePixel): Promise<DecodedFrame> {
  const { load, decoder: name } = wasmCodecs[pixels];
  const module = loaded.get(pixels) ?? load();
  loaded.set(pixels, module);
  const Codec = (await module)[name];
  if (!Codec) throw new Error(`The codec has no ${name}`);
  const decoder = new Codec();
  try {
    decoder.getEncodedBuffer(encoded.length).set(encoded);
    decoder.decode();
    const info = decoder.getFrameInfo();
    checkSize(info.width * info.height * info.componentCount, image);
    const bitsAllocated = info.bitsPerSample > 8 ? 16 : 8;
    const bytes = Buffer.from(decoder.getDecodedBuffer());
    const isPlanar = info.componentCount > 1 && decoder.getInterleaveMode?.() === 0;
    const samples = isPlanar ? interleave(bytes, info.componentCount, bitsAllocated / 8) : bytes;
    return fit(samples, bitsAllocated, { ...image, photometricInterpretation: decodedColour(pixels, image) });
  } finally {
    decoder.delete();
  }
}

/** The JPEG and JPEG 2000 codecs undo the colour transform of their stream; JPEG-LS has none (PS3.5 §8.2). */
function decodedColour(
  pixels: PixelEncoding,
  { photometricInterpretation, samplesPerPixel }: ImagePixel,
): string {
  return samplesPerPixel === 3 && pixels !== 'jpeg-ls' && pixels !== 'rle'
    ? 'RGB'
    : photometricInterpretation;
}

function decodeLossless(encoded: Buffer, image: ImagePixel): DecodedFrame {
  const decoder = new LosslessDecoder();
  const bytes = Uint8Array.from(encoded).buffer;
  const bytesPerSample = image.bitsAllocated / 8;
  const decoded = decoder.decode(bytes, 0, encoded.length, bytesPerSample);
  checkSize(decoded.byteLength / bytesPerSample, image);
  return { ...image, samples: Buffer.from(decoded.buffer, decoded.byteOffset, decoded.byteLength) };
}

function checkSize(samples: number, image: ImagePixel): void {
  if (samples !== image.rows * image.columns * image.samplesPerPixel)
    throw new AppError('object.unrenderable', 'The pixel data do not fit Rows and Columns');
}

/** Samples as wide as Bits Allocated says, whatever the codec chose. */
function fit(samples: Buffer, bits: number, image: ImagePixel): DecodedFrame {
  if (bits === image.bitsAllocated || image.bitsAllocated !== 16)
    return { ...image, samples, bitsAllocated: bits };
  const wide = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries())
    if (image.isSigned) wide.writeInt16LE((sample << 24) >> 24, index * 2);
    else wide.writeUInt16LE(sample, index * 2);
  return { ...image, samples: wide };
}

/** From plane after plane to pixel after pixel. */
export function interleave(planes: Buffer, components: number, bytesPerSample: number): Buffer {
  const pixels = Math.floor(planes.length / components / bytesPerSample);
  const out = Buffer.allocUnsafe(pixels * components * bytesPerSample);
  let at = 0;
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let component = 0; component < components; component++)
      for (let byte = 0; byte < bytesPerSample; byte++)
        out[at++] = planes[(component * pixels + pixel) * bytesPerSample + byte] ?? 0;
  return out;
}

/** Uncompressed frames in little endian, whatever the byte order of the object. In OW even 8 bit samples come in 16 bit words. */
export function nativeFrame(
  bytes: Buffer,
  image: ImagePixel,
  coding: { isLittleEndian: boolean; vr: string },
): Buffer {
  if (bytes.length < frameBytes(image))
    throw new AppError('object.unrenderable', 'The pixel data are shorter than Rows and Columns ask for');
  const unit = image.bitsAllocated > 8 ? image.bitsAllocated / 8 : coding.vr === 'OW' ? 2 : 1;
  return coding.isLittleEndian || unit === 1 || bytes.length % unit !== 0 ? bytes : swapped(bytes, unit);
}
