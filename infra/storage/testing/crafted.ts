import { encodeFileMeta } from '../dicom/file-meta.ts';
import type { DicomFile } from './files.ts';

/** A value as it is written in Explicit VR Little Endian. */
export function element(tag: string, vr: string, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(vr === 'UI' ? 0 : 32)]);
  const isLong = ['OB', 'OW', 'UN'].includes(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(padded.length, 8);
  else header.writeUInt16LE(padded.length, 6);
  return Buffer.concat([header, padded]);
}

export function us(value: number): Buffer {
  return Buffer.of(value & 255, value >> 8);
}

type Parts = {
  readonly number?: number;
  readonly transferSyntaxUID?: string;
  /** Before the pixels, in the order of their tags. */
  readonly more?: readonly Buffer[];
  readonly frames?: number;
  readonly pixels?: Buffer;
};

/** An image of 8 × 8 pixels that is made to be wrong in one place. */
export function craftedObject(parts: Parts = {}): DicomFile {
  const { number = 1, more = [], frames = 1, transferSyntaxUID = '1.2.840.10008.1.2.1' } = parts;
  const sopClassUID = '1.2.840.10008.5.1.4.1.1.7';
  const sopInstanceUID = `1.2.826.0.1.3680043.9.9997.${number}`;
  const dataSet = Buffer.concat([
    element('00080016', 'UI', sopClassUID),
    element('00080018', 'UI', sopInstanceUID),
    element('00080060', 'CS', 'OT'),
    element('00100010', 'PN', 'CRAFTED^OBJECT'),
    element('0020000D', 'UI', '1.2.826.0.1.3680043.9.9997.0.1'),
    element('0020000E', 'UI', '1.2.826.0.1.3680043.9.9997.0.2'),
    ...[element('00280002', 'US', us(1)), element('00280004', 'CS', 'MONOCHROME2')],
    element('00280008', 'IS', String(frames)),
    ...[element('00280010', 'US', us(8)), element('00280011', 'US', us(8))],
    ...[element('00280100', 'US', us(8)), element('00280101', 'US', us(8)), element('00280102', 'US', us(7))],
    element('00280103', 'US', us(0)),
    ...more,
    parts.pixels ?? element('7FE00010', 'OB', Buffer.alloc(64)),
  ]);
  const meta = { sopClassUID, sopInstanceUID, transferSyntaxUID, sourceApplicationEntityTitle: 'TESTER' };
  return { meta: { ...meta, dataOffset: 0 }, dataSet };
}

/** With this preamble; the file has been written by somebody else. */
export function dicomFile({ meta, dataSet }: DicomFile, preamble: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.concat([encodeFileMeta(meta), dataSet]);
  preamble.copy(bytes, 0, 0, 128);
  return bytes;
}

/** The headers of a Windows program. */
export function windowsProgram(): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write('MZ');
  bytes.writeUInt32LE(64, 60);
  bytes.write('PE\0\0', 64);
  return bytes;
}
