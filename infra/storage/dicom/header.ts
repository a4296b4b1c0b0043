import { openDataSet, type ByteSource, type FileBegin } from './byte-source.ts';
import { numberOf, textOf, type DicomJson, type JsonAttribute } from './dicom-json.ts';
import { readDataSet, type Element, type Extent } from './element-reader.ts';
import { encapsulatedFrames, tooFewFrames, type EncapsulatedFrames } from './frame-layout.ts';
import { inspect, type Finding } from './inspect.ts';
import { writeJson } from './json-writer.ts';
import { MalformedDataSet } from './malformed.ts';
import { wholeFrameBytes } from './image.ts';
import { transferSyntaxOf, type TransferSyntax } from './transfer-syntax.ts';

/** Where in the stored file a reader finds what DICOMweb serves apart from the metadata. */
export type ObjectLayout = {
  readonly bulk: Readonly<Record<string, Extent>>;
  readonly pixels: PixelLayout | null;
};
type PixelLayout = {
  readonly frames: number;
  /** Uncompressed: all frames one after the other. */
  readonly native: Extent | null;
  /** Of each of them, where it is a number of whole bytes. Objects that came long ago do not tell. */
  readonly frameBytes?: number | undefined;
  readonly encapsulated: EncapsulatedFrames | null;
};

export type StoredFile = {
  readonly path: string;
  /** Where the data set begins, after the File Meta Information. */
  readonly dataOffset: number;
  readonly transferSyntaxUID: string;
  readonly begin?: FileBegin | undefined;
};
export type ParsedObject = {
  /** Those that were wanted and are short enough to be looked at. */
  readonly attributes: DicomJson;
  /** All of them, as DICOM JSON; text already, as what a hostile object makes of it would keep the main thread busy for seconds. */
  readonly metadata: string;
  /** An `ObjectLayout`, likewise. */
  readonly layout: string;
  readonly findings: readonly Finding[];
};

const mostWantedBytes = 64 * 1024;

/** Everything the index keeps of an object. Reads all but the bulk. @throws MalformedDataSet */
export function parseObject(file: StoredFile, wanted: readonly string[]): ParsedObject {
  const syntax = transferSyntaxOf(file.transferSyntaxUID);
  if (!syntax) throw new MalformedDataSet('the transfer syntax is unknown');
  using source = openDataSet(file, syntax.isDeflated);
  const elements = readDataSet(source, file.dataOffset, syntax);
  const { attributes, bulk } = writeJson(source, elements);
  for (const tag of ['0020000D', '0020000E', '00080016', '00080018'])
    if (!/^[0-9]+(\.[0-9]+)*$/.test(textOf(attributes, tag)) || textOf(attributes, tag).length > 64)
      throw new MalformedDataSet('the object has no valid study, series, SOP class or instance UID');
  const pixels = pixelLayout(source, elements, { attributes, syntax });
  const layout: ObjectLayout = { bulk, pixels };
  const metadata = JSON.stringify(attributes);
  return {
    attributes: pickShort(attributes, wanted, metadata.length <= mostWantedBytes),
    metadata,
    layout: JSON.stringify(layout),
    findings: inspect(source, elements),
  };
}

function pickShort(attributes: DicomJson, wanted: readonly string[], areAllShort: boolean): DicomJson {
  const picked: Record<string, JsonAttribute> = {};
  for (const tag of wanted) {
    const attribute = attributes[tag];
    if (!attribute) continue;
    if (areAllShort || JSON.stringify(attribute).length <= mostWantedBytes) picked[tag] = attribute;
  }
  return picked;
}

function pixelLayout(
  source: ByteSource,
  elements: readonly Element[],
  { attributes, syntax }: { attributes: DicomJson; syntax: TransferSyntax },
): PixelLayout | null {
  const pixelData = elements.find(
    ({ tag }) => tag === '7FE00010' || tag === '7FE00008' || tag === '7FE00009',
  );
  if (!pixelData) return null;
  const frames = Math.max(1, numberOf(attributes, '00280008') ?? 1);
  if (!pixelData.fragments) {
    // Of one frame there is nothing that a number could multiply: it is kept as it is, also when it is short.
    if (frames > 1 && frames * nativeFrameBytes(attributes, pixelData.tag) > pixelData.length)
      throw tooFewFrames();
    const native: Extent = [pixelData.offset, pixelData.length];
    return { frames, native, frameBytes: wholeFrameBytes(attributes), encapsulated: null };
  }
  // One stream holds all frames of a video.
  if (syntax.mediaType.startsWith('video/'))
    return { frames, native: null, encapsulated: [pixelData.fragments.slice(1)] };
  const extendedOffsets = elements.find(({ tag }) => tag === '7FE00001');
  return {
    frames,
    native: null,
    encapsulated: encapsulatedFrames(source, pixelData, { frames, extendedOffsets }),
  };
}

/** 0 where the attributes do not tell. PS3.5 §8.1.1: bits are packed over the end of a row, not over the end of the data. */
function nativeFrameBytes(attributes: DicomJson, pixelTag: string): number {
  const [rows = 0, columns = 0, samples = 1] = ['00280010', '00280011', '00280002'].map((tag) =>
    numberOf(attributes, tag),
  );
  const usual = { '7FE00008': 32, '7FE00009': 64 }[pixelTag] ?? 0;
  const bits = numberOf(attributes, '00280100') ?? usual;
  // PS3.3 §C.7.6.3.1.2: two pixels share their colour.
  const isShared = textOf(attributes, '00280004').startsWith('YBR_FULL_422');
  const values = rows * columns * (isShared && samples === 3 ? 2 : samples);
  return (values * bits) / 8;
}
