import { AppError } from '@medusa/protocol';
import { openDataSet, type ByteSource } from './byte-source.ts';
import { decodeFrame, nativeFrame, type DecodedFrame } from './codec.ts';
import type { DicomJson } from './dicom-json.ts';
import type { Extent } from './element-reader.ts';
import type { ObjectLayout, StoredFile } from './header.ts';
import { frameBytes, imagePixelOf, type ImagePixel } from './image.ts';
import { transferSyntaxOf, type TransferSyntax } from './transfer-syntax.ts';

/** A stored object with what the index knows of it. */
export type IndexedObject = StoredFile & { readonly attributes: DicomJson; readonly layout: ObjectLayout };

/** An object opened for decoding, frame by frame. */
export interface FrameReader extends Disposable {
  readonly image: ImagePixel;
  readonly frames: number;
  readonly syntax: TransferSyntax;
  /** @param frameIndex from 0 */
  decode(frameIndex: number): Promise<DecodedFrame>;
}

/** @throws AppError `object.unrenderable` when there is no image in it */
export function openFrames(object: IndexedObject): FrameReader {
  const syntax = transferSyntaxOf(object.transferSyntaxUID);
  const image = imagePixelOf(object.attributes);
  const { pixels } = object.layout;
  if (!syntax || !image || !pixels) throw new AppError('object.unrenderable', 'The object holds no image');
  const source = openDataSet(object, syntax.isDeflated);
  return {
    image,
    frames: pixels.frames,
    syntax,
    async decode(frameIndex) {
      if (pixels.native) {
        const bytes = readNative(source, pixels.native, { image, frameIndex });
        const vr = object.attributes['7FE00010']?.vr ?? 'OW';
        const samples = nativeFrame(bytes, image, { isLittleEndian: syntax.isLittleEndian, vr });
        return decodeFrame(samples, 'native', image);
      }
      const extents = pixels.encapsulated?.[frameIndex];
      if (!extents) throw new AppError('object.unknown', 'There is no such frame');
      const encoded = Buffer.concat(extents.map(([offset, length]) => source.read(offset, length)));
      return decodeFrame(encoded, syntax.pixels, image);
    },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

function readNative(
  source: ByteSource,
  [offset, length]: Extent,
  { image, frameIndex }: { image: ImagePixel; frameIndex: number },
): Buffer {
  if (image.bitsAllocated === 1) return readBits(source, [offset, length], { image, frameIndex });
  const size = frameBytes(image);
  if ((frameIndex + 1) * size > length) throw new AppError('object.unknown', 'There is no such frame');
  return Buffer.from(source.read(offset + frameIndex * size, size));
}

/** PS3.5 §8.1.1: with 1 bit a pixel a frame may begin within a byte. */
function readBits(
  source: ByteSource,
  [offset, length]: Extent,
  { image, frameIndex }: { image: ImagePixel; frameIndex: number },
): Buffer {
  const bits = image.rows * image.columns * image.samplesPerPixel;
  const first = frameIndex * bits;
  if (first + bits > length * 8) throw new AppError('object.unknown', 'There is no such frame');
  const bytes = source.read(offset + Math.floor(first / 8), Math.ceil(((first % 8) + bits) / 8));
  const out = Buffer.alloc(Math.ceil(bits / 8));
  for (let bit = 0; bit < bits; bit++) {
    const at = (first % 8) + bit;
    if (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) out[bit >> 3] = (out[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return out;
}
