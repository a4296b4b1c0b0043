import { encodeText } from './charset-writer.ts';
import type { DicomJson, JsonAttribute, JsonValue, PersonName } from './dicom-json.ts';
import { shortRepresentations } from './element-reader.ts';

export type WriteOptions = {
  readonly isExplicit: boolean;
  /** First value of the Specific Character Set that is wanted; UTF-8 when the text does not fit into it. */
  readonly characterSet: string;
};

/** Small data sets, as identifiers are: Little Endian, in memory. The Specific Character Set is set here. */
export function writeDataSet(json: DicomJson, options: WriteOptions): Buffer {
  for (const characterSet of ['', options.characterSet, 'ISO_IR 192']) {
    const bytes = writeItem(json, { ...options, characterSet }, true);
    if (bytes) return bytes;
  }
  throw new Error('UTF-8 writes every text');
}

/** Undefined when a text does not fit into the character set. */
function writeItem(json: DicomJson, options: WriteOptions, isWhole: boolean): Buffer | undefined {
  const { characterSet } = options;
  const named = isWhole && characterSet !== '' ? { '00080005': { vr: 'CS', Value: [characterSet] } } : {};
  const all: DicomJson = { ...json, '00080005': undefined, ...named };
  const parts: Buffer[] = [];
  for (const tag of Object.keys(all).sort()) {
    const attribute = all[tag];
    if (!attribute || tag.endsWith('0000')) continue;
    const value = valueBytes(attribute, options);
    if (!value) return undefined;
    parts.push(header(tag, attribute.vr, { length: value.length, isExplicit: options.isExplicit }), value);
  }
  return Buffer.concat(parts);
}

function valueBytes(attribute: JsonAttribute, options: WriteOptions): Buffer | undefined {
  const { vr, Value: values = [], InlineBinary: binary } = attribute;
  if (vr === 'SQ') return sequence(values as readonly DicomJson[], options);
  if (binary !== undefined) return padded(Buffer.from(binary, 'base64'), 0);
  const writer = numberWriters[vr];
  if (writer) return Buffer.concat(values.map(writer));
  const text = values.map((value) => valueText(vr, value)).join('\\');
  const bytes = encodeText(text, options.characterSet);
  return bytes && padded(bytes, vr === 'UI' ? 0 : 0x20);
}

function sequence(items: readonly DicomJson[], options: WriteOptions): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const json of items) {
    const bytes = writeItem(json, options, false);
    if (!bytes) return undefined;
    const start = Buffer.alloc(8);
    start.writeUInt16LE(0xfffe, 0);
    start.writeUInt16LE(0xe000, 2);
    start.writeUInt32LE(bytes.length, 4);
    parts.push(start, bytes);
  }
  return Buffer.concat(parts);
}

function valueText(vr: string, value: JsonValue): string {
  if (vr !== 'PN' || value === null || typeof value !== 'object') return plainText(value);
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  return [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '');
}

function plainText(value: JsonValue): string {
  return value === null || typeof value === 'object' ? '' : String(value);
}

type NumberWriter = (value: JsonValue) => Buffer;
const number =
  (size: number, write: (bytes: Buffer, value: number) => void): NumberWriter =>
  (value) => {
    const bytes = Buffer.alloc(size);
    write(bytes, Number(value));
    return bytes;
  };
const numberWriters: Readonly<Record<string, NumberWriter | undefined>> = {
  US: number(2, (bytes, value) => bytes.writeUInt16LE(value & 0xffff)),
  SS: number(2, (bytes, value) => bytes.writeInt16LE(value)),
  UL: number(4, (bytes, value) => bytes.writeUInt32LE(value)),
  SL: number(4, (bytes, value) => bytes.writeInt32LE(value)),
  FL: number(4, (bytes, value) => bytes.writeFloatLE(value)),
  FD: number(8, (bytes, value) => bytes.writeDoubleLE(value)),
  SV: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(plainText(value))));
    return bytes;
  },
  UV: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(plainText(value))));
    return bytes;
  },
  AT: (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt16LE(Number.parseInt(plainText(value).slice(0, 4), 16), 0);
    bytes.writeUInt16LE(Number.parseInt(plainText(value).slice(4), 16), 2);
    return bytes;
  },
};

function padded(bytes: Buffer, padding: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(padding)]);
}

function header(
  tag: string,
  vr: string,
  { length, isExplicit }: { length: number; isExplicit: boolean },
): Buffer {
  // PS3.5 §6.2.2: a value too long for a VR of 16 bit length is written as UN.
  const written = length > 0xffff && shortRepresentations.has(vr) ? 'UN' : vr;
  const isShort = isExplicit && shortRepresentations.has(written);
  const bytes = Buffer.alloc(isExplicit && !isShort ? 12 : 8);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  if (isExplicit) bytes.write(written, 4, 'latin1');
  if (isShort) bytes.writeUInt16LE(length, 6);
  else bytes.writeUInt32LE(length, isExplicit ? 8 : 4);
  return bytes;
}
