import { AppError } from '@medusa/protocol';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { interleave, type DecodedFrame } from './codec.ts';
import { numberOf, textOf, type DicomJson } from './dicom-json.ts';
import { frameAttributes, type ImagePixel } from './image.ts';
import { openFrames, type IndexedObject } from './frame-reader.ts';

type VoiWindow = { readonly center: number; readonly width: number; readonly shape: string };
export type RenderRequest = {
  /** From 0. */
  readonly frameIndex: number;
  readonly window: VoiWindow | undefined;
  /** The rendering is made to fit into this, never enlarged. */
  readonly viewport: { readonly width: number; readonly height: number } | undefined;
  readonly mediaType: 'image/png' | 'image/jpeg';
  readonly quality: number;
};

/** 8 bit grey or RGB, pixel after pixel. */
type Picture = {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly bytes: Buffer;
};

/** One frame as a picture for people: modality LUT, VOI window, photometric interpretation (PS3.18 §8.3.5, PS3.4 §N.2). */
export async function renderFrame(object: IndexedObject, request: RenderRequest): Promise<Buffer> {
  using frames = openFrames(object);
  const decoded = await frames.decode(request.frameIndex);
  const { image } = frames;
  const picture =
    image.samplesPerPixel === 1 ? grey(decoded, image, { object, request }) : colour(decoded, image);
  return encode(request.viewport ? shrink(picture, request.viewport) : picture, request);
}

function grey(
  decoded: DecodedFrame,
  image: ImagePixel,
  { object, request }: { object: IndexedObject; request: RenderRequest },
): Picture {
  const read = sampleReader(decoded, image);
  const count = image.rows * image.columns;
  const size = { width: image.columns, height: image.rows };
  if (decoded.photometricInterpretation === 'PALETTE COLOR')
    throw new AppError('object.unrenderable', 'Palette colour is not rendered');
  const rescale = frameAttributes(object.attributes, request.frameIndex, '00289145');
  const slope = numberOf(rescale, '00281053') ?? 1;
  const intercept = numberOf(rescale, '00281052') ?? 0;
  const voi = voiFunction(
    request.window ?? windowOf(frameAttributes(object.attributes, request.frameIndex, '00289132')),
    () => extremes(read, count, { slope, intercept }),
  );
  const bytes = Buffer.allocUnsafe(count);
  const isInverted = decoded.photometricInterpretation === 'MONOCHROME1';
  for (let index = 0; index < count; index++) {
    const shade = voi(read(index) * slope + intercept);
    bytes[index] = isInverted ? 255 - shade : shade;
  }
  return { ...size, channels: 1, bytes };
}

function windowOf(attributes: DicomJson): VoiWindow | undefined {
  const center = numberOf(attributes, '00281050');
  const width = numberOf(attributes, '00281051');
  if (center === undefined || width === undefined || width <= 0) return undefined;
  return { center, width, shape: textOf(attributes, '00281056') };
}

/** PS3.3 §C.11.2.1.2. Without a window in request or header: from the darkest to the brightest value there is. */
function voiFunction(
  window: VoiWindow | undefined,
  findExtremes: () => [number, number],
): (value: number) => number {
  const byte = (share: number): number => Math.max(0, Math.min(255, Math.round(share * 255)));
  if (!window) {
    const [least, most] = findExtremes();
    return (value) => byte((value - least) / Math.max(1e-9, most - least));
  }
  const { center, width, shape } = window;
  if (shape === 'SIGMOID') return (value) => byte(1 / (1 + Math.exp((-4 * (value - center)) / width)));
  if (shape === 'LINEAR_EXACT') return (value) => byte((value - center) / width + 0.5);
  const span = Math.max(width - 1, 1e-9);
  return (value) => byte((value - (center - 0.5)) / span + 0.5);
}

function extremes(
  read: (index: number) => number,
  count: number,
  { slope, intercept }: { slope: number; intercept: number },
): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (let index = 0; index < count; index++) {
    const value = read(index) * slope + intercept;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** The stored value of a pixel: the bits above Bits Stored may hold anything (PS3.5 §8.1.1). */
function sampleReader(
  { samples, bitsAllocated }: DecodedFrame,
  image: ImagePixel,
): (index: number) => number {
  if (bitsAllocated === 1) return (index) => ((samples[index >> 3] ?? 0) >> (index & 7)) & 1;
  if (bitsAllocated === 32)
    return image.isSigned
      ? (index) => samples.readInt32LE(index * 4)
      : (index) => samples.readUInt32LE(index * 4);
  const spare = 32 - Math.min(image.bitsStored, bitsAllocated);
  const raw =
    bitsAllocated === 8
      ? (index: number) => samples[index] ?? 0
      : (index: number) => samples.readUInt16LE(index * 2);
  return image.isSigned
    ? (index) => (raw(index) << spare) >> spare
    : (index) => (raw(index) << spare) >>> spare;
}

function colour(decoded: DecodedFrame, image: ImagePixel): Picture {
  const { samples, photometricInterpretation } = decoded;
  if (decoded.bitsAllocated !== 8 || image.samplesPerPixel !== 3)
    throw new AppError('object.unrenderable', 'Only colour of three samples with 8 bits is rendered');
  const size = { width: image.columns, height: image.rows, channels: 3 as const };
  if (photometricInterpretation === 'YBR_FULL_422') return { ...size, bytes: rgb(upsample(samples, image)) };
  const isPlanar = image.planarConfiguration === 1 && decoded.photometricInterpretation !== 'RGB';
  const pixels = isPlanar ? interleave(samples, 3, 1) : samples;
  return { ...size, bytes: photometricInterpretation.startsWith('YBR') ? rgb(pixels) : pixels };
}

/** Two luminances share their chroma: Y1 Y2 Cb Cr. */
function upsample(samples: Buffer, image: ImagePixel): Buffer {
  const out = Buffer.allocUnsafe(image.rows * image.columns * 3);
  for (let pixel = 0; pixel < image.rows * image.columns; pixel++) {
    const pair = (pixel >> 1) * 4;
    out[pixel * 3] = samples[pair + (pixel & 1)] ?? 0;
    out[pixel * 3 + 1] = samples[pair + 2] ?? 0;
    out[pixel * 3 + 2] = samples[pair + 3] ?? 0;
  }
  return out;
}

/** PS3.3 §C.7.6.3.1.2, YBR_FULL. */
function rgb(ybr: Buffer): Buffer {
  const out = Buffer.allocUnsafe(ybr.length);
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  for (let at = 0; at + 2 < ybr.length; at += 3) {
    const y = ybr[at] ?? 0;
    const cb = (ybr[at + 1] ?? 0) - 128;
    const cr = (ybr[at + 2] ?? 0) - 128;
    out[at] = byte(y + 1.402 * cr);
    out[at + 1] = byte(y - 0.344136 * cb - 0.714136 * cr);
    out[at + 2] = byte(y + 1.772 * cb);
  }
  return out;
}

/** Each pixel of the smaller picture is the mean of those it covers. */
function shrink(picture: Picture, viewport: { width: number; height: number }): Picture {
  const scale = Math.min(1, viewport.width / picture.width, viewport.height / picture.height);
  if (scale === 1) return picture;
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const bytes = Buffer.allocUnsafe(width * height * picture.channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < picture.channels; channel++)
        bytes[(y * width + x) * picture.channels + channel] = meanOf(picture, channel, {
          left: Math.floor((x * picture.width) / width),
          right: Math.max(
            Math.floor(((x + 1) * picture.width) / width),
            Math.floor((x * picture.width) / width) + 1,
          ),
          top: Math.floor((y * picture.height) / height),
          bottom: Math.max(
            Math.floor(((y + 1) * picture.height) / height),
            Math.floor((y * picture.height) / height) + 1,
          ),
        });
  return { ...picture, width, height, bytes };
}

function meanOf(
  picture: Picture,
  channel: number,
  area: { left: number; right: number; top: number; bottom: number },
): number {
  let sum = 0;
  for (let y = area.top; y < area.bottom; y++)
    for (let x = area.left; x < area.right; x++)
      sum += picture.bytes[(y * picture.width + x) * picture.channels + channel] ?? 0;
  return Math.round(sum / ((area.right - area.left) * (area.bottom - area.top)));
}

function encode({ width, height, channels, bytes }: Picture, request: RenderRequest): Buffer {
  if (request.mediaType === 'image/png') {
    const colorType = channels === 1 ? 0 : 2;
    const png = new PNG({ width, height, colorType, inputColorType: colorType, inputHasAlpha: false });
    png.data = bytes;
    return PNG.sync.write(png, { colorType, inputColorType: colorType, inputHasAlpha: false });
  }
  const data = Buffer.alloc(width * height * 4, 255);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < 3; channel++)
      data[pixel * 4 + channel] = bytes[pixel * channels + (channels === 3 ? channel : 0)] ?? 0;
  return jpeg.encode({ width, height, data }, request.quality).data;
}
