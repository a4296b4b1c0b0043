import { itemsOf, numberOf, textOf, type DicomJson } from './dicom-json.ts';

/** The Image Pixel module (PS3.3 §C.7.6.3). */
export type ImagePixel = {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly isSigned: boolean;
  readonly planarConfiguration: number;
  readonly photometricInterpretation: string;
};

/** One side of an image beyond this is taken for an attack. */
const mostPixelsASide = 65_535;

/** Undefined when the object has no image that could be drawn. */
export function imagePixelOf(attributes: DicomJson): ImagePixel | undefined {
  const number = (tag: string, otherwise: number): number => numberOf(attributes, tag) ?? otherwise;
  const rows = number('00280010', 0);
  const columns = number('00280011', 0);
  const bitsAllocated = number('00280100', 0);
  if ([rows, columns].some((side) => side < 1 || side > mostPixelsASide)) return undefined;
  if (![1, 8, 16, 32].includes(bitsAllocated)) return undefined;
  return {
    rows,
    columns,
    bitsAllocated,
    samplesPerPixel: number('00280002', 1),
    bitsStored: number('00280101', bitsAllocated),
    isSigned: number('00280103', 0) === 1,
    planarConfiguration: number('00280006', 0),
    photometricInterpretation: textOf(attributes, '00280004') || 'MONOCHROME2',
  };
}

/** Bytes of one uncompressed frame; with 1 bit a pixel the frames of an object are not aligned to bytes, so this is of a single one. */
export function frameBytes(image: ImagePixel): number {
  const samples = image.rows * image.columns * image.samplesPerPixel;
  // PS3.3 §C.7.6.3.1.2: YBR_FULL_422 holds half the chroma samples when it is not compressed.
  const share = image.photometricInterpretation === 'YBR_FULL_422' ? 2 / 3 : 1;
  return Math.ceil((samples * share * image.bitsAllocated) / 8);
}

/** Undefined where a frame may begin within a byte (PS3.5 §8.1.1), or there is no image. */
export function wholeFrameBytes(attributes: DicomJson): number | undefined {
  const image = imagePixelOf(attributes);
  return image && image.bitsAllocated >= 8 ? frameBytes(image) : undefined;
}

/** From the object itself, or from its functional groups when it is an enhanced one (PS3.3 §C.7.6.16). */
export function frameAttributes(attributes: DicomJson, frameIndex: number, macro: string): DicomJson {
  const ofFrame = itemsOf(attributes, '52009230')[frameIndex];
  const shared = itemsOf(attributes, '52009229')[0];
  return itemsOf(ofFrame ?? {}, macro)[0] ?? itemsOf(shared ?? {}, macro)[0] ?? attributes;
}
