import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

export interface Encoded {
  readonly name: string;
  readonly seriesInstanceUID: string;
  readonly object: Uint8Array;
  /** Where our own hand put the frame into the object. */
  readonly frame: { readonly bytes: Uint8Array; readonly transferSyntaxUID: string } | null;
}

/** The encoders of the codecs' own packages; the browser gets their decoders only. */
interface Encoder {
  getDecodedBuffer(frame: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
    isUsingColorTransform: boolean;
  }): Uint8Array;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
}

const encoderModuleSchema = z.custom<Partial<Record<'J2KEncoder' | 'HTJ2KEncoder', new () => Encoder>>>();

/** The command of DCMTK, or the encoder and its transfer syntax. */
const encodings = [
  { name: 'JPEG-LS', command: ['dcmcjpls'] },
  { name: 'JPEG lossless', command: ['dcmcjpeg', '+e1'] },
  { name: 'JPEG baseline', command: ['dcmcjpeg', '+eb', '+Ww', '-600', '1500', '+q', '95'] },
  { name: 'RLE', command: ['dcmcrle'] },
  { name: 'Implicit little endian', command: ['dcmconv', '+ti'] },
  {
    name: 'JPEG 2000',
    package: '@cornerstonejs/codec-openjpeg',
    encoder: 'J2KEncoder',
    transferSyntaxUID: '1.2.840.10008.1.2.4.90',
  },
  {
    name: 'HTJ2K',
    package: '@cornerstonejs/codec-openjph',
    encoder: 'HTJ2KEncoder',
    transferSyntaxUID: '1.2.840.10008.1.2.4.201',
  },
] as const;

/** One slice in each encoding, each in a series of its own, all in the study given. */
export async function encodeInEach(file: string, studyInstanceUID: string): Promise<readonly Encoded[]> {
  const folder = await mkdtemp(join(tmpdir(), 'workstation-encodings-'));
  try {
    const plain = join(folder, 'plain.dcm');
    await run('dcmdjpls', [file, plain]);
    const encoded: Encoded[] = [];
    for (const [index, encoding] of encodings.entries()) {
      const seriesInstanceUID = `${studyInstanceUID}.${index + 1}`;
      const [own, to] = [join(folder, `${index}.dcm`), join(folder, `${index}.encoded.dcm`)];
      await writeFile(own, await readFile(plain));
      await run('dcmodify', [
        ...[
          '--no-backup',
          '-i',
          `StudyInstanceUID=${studyInstanceUID}`,
          '-i',
          `SeriesInstanceUID=${seriesInstanceUID}`,
        ],
        ...['-i', `SOPInstanceUID=${seriesInstanceUID}.1`, '-i', `SeriesDescription=${encoding.name}`],
        ...['-i', `SeriesNumber=${index + 1}`, own],
      ]);
      if ('command' in encoding) {
        const [program, ...options] = encoding.command;
        await run(program, [...options, own, to]);
        encoded.push({ name: encoding.name, seriesInstanceUID, object: await readFile(to), frame: null });
      } else
        encoded.push({
          name: encoding.name,
          seriesInstanceUID,
          ...(await encode(encoding, await readFile(own))),
        });
    }
    return encoded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function encode(
  encoding: { package: string; encoder: 'J2KEncoder' | 'HTJ2KEncoder'; transferSyntaxUID: string },
  object: Buffer,
): Promise<Pick<Encoded, 'object' | 'frame'>> {
  const load = require(encoding.package) as () => Promise<unknown>;
  const Encoder = encoderModuleSchema.parse(await load())[encoding.encoder];
  if (!Encoder) throw new Error(`The package has no ${encoding.encoder}.`);
  const { head, pixels } = splitAtPixels(object);
  const encoder = new Encoder();
  encoder
    .getDecodedBuffer({
      width: 512,
      height: 512,
      bitsPerSample: 16,
      componentCount: 1,
      isSigned: false,
      isUsingColorTransform: false,
    })
    .set(pixels);
  encoder.encode();
  const bytes = new Uint8Array(encoder.getEncodedBuffer());
  const { transferSyntaxUID } = encoding;
  return {
    object: encapsulate(setTransferSyntax(head, transferSyntaxUID), bytes),
    frame: { bytes, transferSyntaxUID },
  };
}

/** An explicit little endian file whose last element is a PixelData OW of 512 × 512 × 16 bits. */
function splitAtPixels(object: Buffer): { head: Buffer; pixels: Buffer } {
  const start = object.indexOf(Buffer.from('e07f10004f57', 'hex'));
  if (start < 0) throw new Error('There is no PixelData OW.');
  return { head: object.subarray(0, start), pixels: object.subarray(start + 12, start + 12 + 512 * 512 * 2) };
}

function setTransferSyntax(head: Buffer, uid: string): Buffer {
  const start = head.indexOf(Buffer.from('020010005549', 'hex'));
  const oldLength = head.readUInt16LE(start + 6);
  const value = Buffer.from(uid.length % 2 === 0 ? uid : `${uid}\0`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(value.length);
  const changed = Buffer.concat([
    head.subarray(0, start + 6),
    length,
    value,
    head.subarray(start + 8 + oldLength),
  ]);
  // FileMetaInformationGroupLength stands first after preamble and prefix.
  const groupLengthAt = 128 + 4 + 8;
  changed.writeUInt32LE(head.readUInt32LE(groupLengthAt) + value.length - oldLength, groupLengthAt);
  return changed;
}

/** DICOM PS3.5 §A.4: an empty offset table, one fragment, the end. */
function encapsulate(head: Buffer, frame: Uint8Array): Buffer {
  const padded = Buffer.alloc(frame.length + (frame.length % 2));
  padded.set(frame);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(padded.length);
  return Buffer.concat([
    head,
    Buffer.from('e07f10004f420000ffffffff', 'hex'),
    Buffer.from('feff00e000000000', 'hex'),
    Buffer.from('feff00e0', 'hex'),
    length,
    padded,
    Buffer.from('feffdde000000000', 'hex'),
  ]);
}
