import { openDataSet, type ByteSource } from './byte-source.ts';
import { numberOf, textOf, type DicomJson } from './dicom-json.ts';
import { readDataSet, type Element, type Extent } from './element-reader.ts';
import { encapsulatedFrames, type EncapsulatedFrames } from './frame-layout.ts';
import { writeJson } from './json-writer.ts';
import { MalformedDataSet } from './malformed.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';

/** Where in the stored file a reader finds what DICOMweb serves apart from the metadata. */
export type ObjectLayout = {
  readonly bulk: Readonly<Record<string, Extent>>;
  readonly pixels: PixelLayout | null;
};
type PixelLayout = {
  readonly frames: number;
  /** Uncompressed: all frames one after the other. */
  readonly native: Extent | null;
  readonly encapsulated: EncapsulatedFrames | null;
};

export type StoredFile = {
  readonly path: string;
  /** Where the data set begins, after the File Meta Information. */
  readonly dataOffset: number;
  readonly transferSyntaxUID: string;
};
export type ParsedObject = { readonly attributes: DicomJson; readonly layout: ObjectLayout };

/** Everything the index keeps of an object. Reads all but the bulk. @throws MalformedDataSet */
export function parseObject(file: StoredFile): ParsedObject {
  const syntax = transferSyntaxOf(file.transferSyntaxUID);
  if (!syntax) throw new MalformedDataSet('the transfer syntax is unknown');
  using source = openDataSet(file.path, file.dataOffset, syntax.isDeflated);
  const elements = readDataSet(source, file.dataOffset, syntax);
  const { attributes, bulk } = writeJson(source, elements);
  for (const tag of ['0020000D', '0020000E', '00080016', '00080018'])
    if (!/^[0-9]+(\.[0-9]+)*$/.test(textOf(attributes, tag)) || textOf(attributes, tag).length > 64)
      throw new MalformedDataSet('the object has no valid study, series, SOP class or instance UID');
  return { attributes, layout: { bulk, pixels: pixelLayout(source, elements, attributes) } };
}

function pixelLayout(
  source: ByteSource,
  elements: readonly Element[],
  attributes: DicomJson,
): PixelLayout | null {
  const pixelData = elements.find(
    ({ tag }) => tag === '7FE00010' || tag === '7FE00008' || tag === '7FE00009',
  );
  if (!pixelData) return null;
  const frames = Math.max(1, numberOf(attributes, '00280008') ?? 1);
  if (!pixelData.fragments)
    return { frames, native: [pixelData.offset, pixelData.length], encapsulated: null };
  const extendedOffsets = elements.find(({ tag }) => tag === '7FE00001');
  return {
    frames,
    native: null,
    encapsulated: encapsulatedFrames(source, pixelData, { frames, extendedOffsets }),
  };
}
