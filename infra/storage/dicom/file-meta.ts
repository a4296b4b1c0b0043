import { MalformedDataSet } from './malformed.ts';

/** PS3.7 §D.3.3.2: names this software, grown from a UUID (PS3.5 §B.2). */
export const implementationClassUID = '2.25.176481975370459781063313626140826846544';
export const implementationVersionName = 'MEDUSA_STORAGE_1';

export type FileMeta = {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
  readonly sourceApplicationEntityTitle: string;
};

/** Preamble, prefix and File Meta Information (PS3.10 §7.1). */
export function encodeFileMeta(meta: FileMeta): Buffer {
  const elements = Buffer.concat([
    long(0x0001, 'OB', Buffer.of(0, 1)),
    short(0x0002, 'UI', meta.sopClassUID),
    short(0x0003, 'UI', meta.sopInstanceUID),
    short(0x0010, 'UI', meta.transferSyntaxUID),
    short(0x0012, 'UI', implementationClassUID),
    short(0x0013, 'SH', implementationVersionName),
    ...(meta.sourceApplicationEntityTitle ? [short(0x0016, 'AE', meta.sourceApplicationEntityTitle)] : []),
  ]);
  const groupLength = Buffer.alloc(4);
  groupLength.writeUInt32LE(elements.length);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(0x0000, 'UL', groupLength),
    elements,
  ]);
}

function element(number: number, vr: string, value: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(2, 0);
  header.writeUInt16LE(number, 2);
  header.write(vr, 4, 'latin1');
  header.writeUInt16LE(value.length, 6);
  return Buffer.concat([header, value]);
}

function short(number: number, vr: string, value: string): Buffer {
  const padded = value.length % 2 === 0 ? value : value + (vr === 'UI' ? '\0' : ' ');
  return element(number, vr, Buffer.from(padded, 'latin1'));
}

function long(number: number, vr: string, value: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16LE(2, 0);
  header.writeUInt16LE(number, 2);
  header.write(vr, 4, 'latin1');
  header.writeUInt32LE(value.length, 8);
  return Buffer.concat([header, value]);
}

/** Preamble and File Meta Information of a DICOM file may be no longer than this. */
export const mostMetaBytes = 256 * 1024;

export type ParsedFileMeta = FileMeta & { readonly dataOffset: number };

/** Undefined while `bytes` is too short to tell. @throws MalformedDataSet when it is no DICOM file */
export function parseFileMeta(bytes: Buffer): ParsedFileMeta | undefined {
  if (bytes.length < 144) return undefined;
  if (bytes.toString('latin1', 128, 132) !== 'DICM' || bytes.readUInt32LE(132) !== 0x00000002)
    throw new MalformedDataSet('the file does not begin as a DICOM file');
  const dataOffset = 144 + bytes.readUInt32LE(140);
  if (dataOffset > mostMetaBytes) throw new MalformedDataSet('the File Meta Information is too long');
  if (bytes.length < dataOffset) return undefined;
  const values = readMetaElements(bytes.subarray(0, dataOffset));
  const valueOf = (number: number): string => values.get(number) ?? '';
  return {
    dataOffset,
    sopClassUID: valueOf(0x0002),
    sopInstanceUID: valueOf(0x0003),
    transferSyntaxUID: valueOf(0x0010),
    sourceApplicationEntityTitle: valueOf(0x0016),
  };
}

function readMetaElements(bytes: Buffer): Map<number, string> {
  const values = new Map<number, string>();
  let at = 144;
  while (at + 8 <= bytes.length) {
    const isLong = ['OB', 'OW', 'UN', 'UT', 'SQ'].includes(bytes.toString('latin1', at + 4, at + 6));
    if (isLong && at + 12 > bytes.length) break;
    const length = isLong ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    const start = at + (isLong ? 12 : 8);
    if (start + length > bytes.length) throw new MalformedDataSet('the File Meta Information is broken');

    const value = bytes
      .toString('latin1', start, start + length)
      .replace(/[\0 ]+$/, '')
      .trim();
    values.set(bytes.readUInt16LE(at + 2), value);
    at = start + length;
  }
  return values;
}
