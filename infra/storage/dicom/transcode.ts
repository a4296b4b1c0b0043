import { closeSync, openSync, writeSync } from 'node:fs';
import { AppError } from '@medusa/protocol';
import { openDataSet, type ByteSource } from './byte-source.ts';
import { isDecodable } from './codec.ts';
import { textOf } from './dicom-json.ts';
import { readDataSet, shortRepresentations, type Element } from './element-reader.ts';
import { encodeFileMeta } from './file-meta.ts';
import { openFrames, type FrameReader, type IndexedObject } from './frame-reader.ts';
import { swapped } from './json-writer.ts';
import { explicitLittleEndian, transferSyntaxOf } from './transfer-syntax.ts';

const copyBytes = 1024 * 1024;
const undefinedLength = 0xffffffff;

/**
 * Writes a rendition of the object in Explicit VR Little Endian to `target`. Frames are decoded one by one.
 * @throws AppError `object.unrenderable` when there is no decoder for its pixels
 */
export async function writeExplicitLittleEndian(object: IndexedObject, target: string): Promise<void> {
  const syntax = transferSyntaxOf(object.transferSyntaxUID);
  const isCompressed = Boolean(object.layout.pixels?.encapsulated);
  if (!syntax || (isCompressed && !isDecodable(syntax.pixels)))
    throw new AppError('object.unrenderable', 'There is no decoder for this transfer syntax');
  using source = openDataSet(object, syntax.isDeflated);
  const elements = readDataSet(source, object.dataOffset, syntax);
  using frames = isCompressed ? openFrames(object) : undefined;
  const replaced = frames ? await colourOf(frames) : new Map<string, Buffer>();
  const descriptor = openSync(target, 'wx');
  try {
    const write = (bytes: Buffer): void => void writeSync(descriptor, bytes);
    write(metaOf(object));
    await writeElements({ source, write, frames, replaced }, elements);
  } finally {
    closeSync(descriptor);
  }
}

/** Offset tables speak of fragments that the rendition has not; an icon is encapsulated like the image, and nobody misses it. */
const notInRendition = new Set(['7FE00001', '7FE00002', '00880200']);

function metaOf(object: IndexedObject): Buffer {
  return encodeFileMeta({
    sopClassUID: textOf(object.attributes, '00080016'),
    sopInstanceUID: textOf(object.attributes, '00080018'),
    transferSyntaxUID: explicitLittleEndian,
    sourceApplicationEntityTitle: '',
  });
}

/** What decoding makes of the colours is what the rendition must say of them. */
async function colourOf(frames: FrameReader): Promise<Map<string, Buffer>> {
  if (frames.image.samplesPerPixel === 1) return new Map();
  const { photometricInterpretation } = await frames.decode(0);
  return new Map([
    ['00280004', padded(photometricInterpretation)],
    ['00280006', Buffer.of(0, 0)],
  ]);
}

type Rendition = Output & {
  /** Set when the pixels are encapsulated. */
  readonly frames: FrameReader | undefined;
  readonly replaced: ReadonlyMap<string, Buffer>;
};

async function writeElements(rendition: Rendition, elements: readonly Element[]): Promise<void> {
  const { frames, replaced, write } = rendition;
  for (const element of elements)
    if (frames && element.fragments && element.tag === '7FE00010') await writeFrames(write, element, frames);
    else if (!frames || !notInRendition.has(element.tag)) writeElement(rendition, element, replaced);
}

type Output = { readonly source: ByteSource; readonly write: (bytes: Buffer) => void };

async function writeFrames(write: Output['write'], element: Element, frames: FrameReader): Promise<void> {
  let length = 0;
  for (let index = 0; index < frames.frames; index++) {
    const { samples, bitsAllocated } = await frames.decode(index);
    if (index === 0) {
      length = samples.length * frames.frames;
      if (length >= undefinedLength)
        throw new AppError('object.unrenderable', 'Uncompressed, the pixel data are longer than 4 GiB');
      write(header(element.tag, bitsAllocated > 8 ? 'OW' : 'OB', length + (length % 2)));
    }
    if (samples.length * frames.frames !== length)
      throw new AppError('object.unrenderable', 'The frames differ in size');
    write(samples);
  }
  if (length % 2 === 1) write(Buffer.alloc(1));
}

function writeElement(output: Output, element: Element, replaced: ReadonlyMap<string, Buffer>): void {
  const { tag, vr, items } = element;
  // Group lengths are retired, and would no longer be right.
  if (tag.endsWith('0000')) return;
  const value = replaced.get(tag);
  if (items) writeSequence(output, tag, items);
  else if (value) output.write(Buffer.concat([header(tag, vr, value.length), value]));
  else copyElement(output, element);
}

function copyElement(output: Output, element: Element): void {
  const { tag, vr, length } = element;
  if (element.fragments) throw new AppError('object.unrenderable', 'Encapsulated data outside of the pixels');
  // PS3.5 §6.2.2: a value too long for a VR of 16 bit length is written as UN.
  const isTooLong = length > 0xffff && shortRepresentations.has(vr);
  output.write(header(tag, isTooLong ? 'UN' : vr, length));
  const unit = element.isLittleEndian ? 1 : (units[vr] ?? 1);
  for (let at = 0; at < length; at += copyBytes) {
    const bytes = output.source.read(element.offset + at, Math.min(copyBytes, length - at));
    output.write(unit === 1 || bytes.length % unit !== 0 ? bytes : swapped(bytes, unit));
  }
}

const units: Readonly<Record<string, number | undefined>> = {
  US: 2,
  SS: 2,
  OW: 2,
  AT: 2,
  UL: 4,
  SL: 4,
  FL: 4,
  OF: 4,
  OL: 4,
  FD: 8,
  OD: 8,
  OV: 8,
  SV: 8,
  UV: 8,
};

function writeSequence(output: Output, tag: string, items: readonly (readonly Element[])[]): void {
  output.write(header(tag, 'SQ', undefinedLength));
  for (const item of items) {
    output.write(delimiter(0xe000, undefinedLength));
    for (const element of item) writeElement(output, element, new Map());
    output.write(delimiter(0xe00d, 0));
  }
  output.write(delimiter(0xe0dd, 0));
}

function delimiter(element: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(0xfffe, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

function header(tag: string, vr: string, length: number): Buffer {
  const isShort = shortRepresentations.has(vr);
  const bytes = Buffer.alloc(isShort ? 8 : 12);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  bytes.write(vr, 4, 'latin1');
  if (isShort) bytes.writeUInt16LE(length, 6);
  else bytes.writeUInt32LE(length, 8);
  return bytes;
}

function padded(text: string): Buffer {
  return Buffer.from(text.length % 2 === 0 ? text : `${text} `, 'latin1');
}
