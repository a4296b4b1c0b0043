import type { ByteSource } from './byte-source.ts';
import { textDecoding, type TextDecoding } from './charset.ts';
import type { DicomJson, JsonAttribute, JsonValue, PersonName } from './dicom-json.ts';
import type { Element, Extent } from './element-reader.ts';

/** Longer binary values are told by a URI, and longer lists of numbers too. */
const mostInlineBytes = 1024;
const mostListBytes = 32 * 1024;
const mostTextBytes = 1024 * 1024;

export type WrittenJson = {
  readonly attributes: DicomJson;
  /** Where the values lie that `attributes` gives a BulkDataURI for, by its last part. */
  readonly bulk: Readonly<Record<string, Extent>>;
};

/** Values to DICOM JSON, text decoded to Unicode. `BulkDataURI` is `/bulkdata/…`: whoever serves it puts the instance's URL before it. */
export function writeJson(source: ByteSource, elements: readonly Element[]): WrittenJson {
  const bulk: Record<string, Extent> = {};
  const attributes = writeItem({ source, bulk, decode: textDecoding([]), path: '' }, elements);
  return { attributes, bulk };
}

type Context = {
  readonly source: ByteSource;
  readonly bulk: Record<string, Extent>;
  readonly decode: TextDecoding;
  readonly path: string;
};

function writeItem(context: Context, elements: readonly Element[]): DicomJson {
  const characterSet = elements.find(({ tag }) => tag === '00080005');
  const here = characterSet
    ? { ...context, decode: textDecoding(valueBytes(context, characterSet).toString('latin1').split('\\')) }
    : context;
  const json: Record<string, JsonAttribute> = {};
  for (const element of elements) {
    if (element.tag.endsWith('0000') || element.tag.startsWith('0000')) continue;
    json[element.tag] =
      element.tag === '00080005' ? { vr: 'CS', Value: ['ISO_IR 192'] } : writeElement(here, element);
  }
  return json;
}

function writeElement(context: Context, element: Element): JsonAttribute {
  const { tag, vr, length, items } = element;
  if (items) return writeSequence(context, tag, items);
  if (element.fragments) return bulkAttribute(context, element);
  if (length === 0) return { vr };
  if (binary.has(vr)) {
    if (length > mostInlineBytes || tag.startsWith('7FE0')) return bulkAttribute(context, element);
    return { vr, InlineBinary: littleEndianBytes(valueBytes(context, element), element).toString('base64') };
  }
  if (length > (numberReaders[vr] ? mostListBytes : mostTextBytes)) return bulkAttribute(context, element);
  const values = readValues(context, element);
  return values.length > 0 ? { vr, Value: values } : { vr };
}

function writeSequence(context: Context, tag: string, items: readonly (readonly Element[])[]): JsonAttribute {
  if (items.length === 0) return { vr: 'SQ' };
  const path = (index: number): string => `${context.path}${tag}.${index}.`;
  return { vr: 'SQ', Value: items.map((item, index) => writeItem({ ...context, path: path(index) }, item)) };
}

function bulkAttribute(context: Context, element: Element): JsonAttribute {
  const path = `${context.path}${element.tag}`;
  context.bulk[path] = [element.offset, element.length];
  return { vr: element.vr, BulkDataURI: `/bulkdata/${path}` };
}

function valueBytes(context: Context, element: Element): Buffer {
  return context.source.read(element.offset, element.length);
}

const binary = new Set(['OB', 'OW', 'OD', 'OF', 'OL', 'OV', 'UN']);
const unitBytes: Readonly<Record<string, number | undefined>> = { OW: 2, OF: 4, OL: 4, OD: 8, OV: 8 };

/** InlineBinary is Little Endian (PS3.18 §F.2.7). */
function littleEndianBytes(bytes: Buffer, element: Element): Buffer {
  const unit = unitBytes[element.vr];
  if (element.isLittleEndian || !unit || bytes.length % unit !== 0) return bytes;
  return swapped(bytes, unit);
}

/** A copy with the bytes of each unit in reverse order. */
export function swapped(bytes: Buffer, unit: number): Buffer {
  const copy = Buffer.from(bytes);
  if (unit === 2) return copy.swap16();
  return unit === 4 ? copy.swap32() : copy.swap64();
}

type NumberReader = {
  readonly size: number;
  read(bytes: Buffer, at: number, isLittleEndian: boolean): JsonValue;
};

const numberReaders: Readonly<Record<string, NumberReader | undefined>> = {
  US: { size: 2, read: (bytes, at, little) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)) },
  SS: { size: 2, read: (bytes, at, little) => (little ? bytes.readInt16LE(at) : bytes.readInt16BE(at)) },
  UL: { size: 4, read: (bytes, at, little) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)) },
  SL: { size: 4, read: (bytes, at, little) => (little ? bytes.readInt32LE(at) : bytes.readInt32BE(at)) },
  FL: {
    size: 4,
    read: (bytes, at, little) => finite(little ? bytes.readFloatLE(at) : bytes.readFloatBE(at)),
  },
  FD: {
    size: 8,
    read: (bytes, at, little) => finite(little ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at)),
  },
  SV: {
    size: 8,
    read: (bytes, at, little) => String(little ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at)),
  },
  UV: {
    size: 8,
    read: (bytes, at, little) => String(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)),
  },
  AT: {
    size: 4,
    read: (bytes, at, little) => {
      const word = (offset: number): number =>
        little ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);
      return [word(at), word(at + 2)]
        .map((half) => half.toString(16).padStart(4, '0'))
        .join('')
        .toUpperCase();
    },
  },
};

function finite(value: number): JsonValue {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function readValues(context: Context, element: Element): JsonValue[] {
  const bytes = valueBytes(context, element);
  const reader = numberReaders[element.vr];
  if (reader) {
    const count = Math.floor(bytes.length / reader.size);
    return Array.from({ length: count }, (_, index) =>
      reader.read(bytes, index * reader.size, element.isLittleEndian),
    );
  }
  return textValues(context, element, bytes);
}

const decodedText = new Set(['SH', 'LO', 'ST', 'LT', 'UC', 'UT', 'PN']);
const singleText = new Set(['ST', 'LT', 'UT', 'UR']);

function textValues(context: Context, { vr }: Element, bytes: Buffer): JsonValue[] {
  const text = decodedText.has(vr) ? context.decode(bytes, vr === 'PN') : bytes.toString('latin1');

  if (singleText.has(vr)) {
    const value = clean(text);
    return value === '' ? [] : [value];
  }
  const values = text.includes('\\') ? text.split('\\').map((value) => clean(value)) : [clean(text)];
  if (values.every((value) => value.trim() === '')) return [];
  return values.map((value) => textValue(vr, value));
}

/** Without the padding at its end; most values have none. */
function clean(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0 || last === 0x20 ? value.replace(/[\0 ]+$/, '') : value;
}

function textValue(vr: string, value: string): JsonValue {
  const trimmed = value.trim();
  if (vr === 'PN') return personName(trimmed);
  if (trimmed === '') return null;
  if (vr !== 'DS' && vr !== 'IS') return trimmed;
  const number = Number(trimmed);
  // What is no number is kept as the text it is (PS3.18 §F.2.3 note: DS and IS may be strings).
  return Number.isFinite(number) ? number : trimmed;
}

function personName(value: string): PersonName | null {
  const [alphabetic, ideographic, phonetic] = value
    .split('=')
    .map((group) => group.replace(/\^+$/, '').trim());
  const name = {
    ...(alphabetic && { Alphabetic: alphabetic }),
    ...(ideographic && { Ideographic: ideographic }),
    ...(phonetic && { Phonetic: phonetic }),
  };
  return Object.keys(name).length > 0 ? name : null;
}
