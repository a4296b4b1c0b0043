/** A kind of file, told by how it begins. */
export type FileType = { readonly name: string; readonly isProgram: boolean };

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const program = (name: string, ...starts: Buffer[]): Signature => ({ name, isProgram: true, starts });
const other = (name: string, ...starts: Buffer[]): Signature => ({ name, isProgram: false, starts });
type Signature = FileType & { readonly starts: readonly Buffer[] };

export const tiff = 'TIFF file';
const windowsProgram = 'Windows or DOS program';
const script = 'script';
/** Of text formats only so much is looked at. */
const textBytes = 128;

const signatures: readonly Signature[] = [
  program(windowsProgram, bytes('MZ'), bytes('ZM')),
  program('ELF program', bytes('\x7fELF')),
  program(
    'Mach-O program or Java class',
    ...['feedface', 'feedfacf', 'cefaedfe', 'cffaedfe', 'cafebabe', 'bebafeca'].map((hex) =>
      Buffer.from(hex, 'hex'),
    ),
  ),
  program(script, bytes('#!')),
  program('Windows shortcut', Buffer.from('4c0000000114020000000000c000000000000046', 'hex')),
  program('WebAssembly module', bytes('\0asm')),
  program('Dalvik program', bytes('dex\n')),
  other('ZIP archive', bytes('PK\x03\x04'), bytes('PK\x05\x06'), bytes('PK\x07\x08')),
  other('gzip archive', bytes('\x1f\x8b')),
  other('7z archive', bytes('7z\xbc\xaf\x27\x1c')),
  other('RAR archive', bytes('Rar!\x1a\x07')),
  other('PDF document', bytes('%PDF-')),
  other('compound document', Buffer.from('d0cf11e0a1b11ae1', 'hex')),
  other('RTF document', bytes('{\\rtf')),
  other('PNG image', bytes('\x89PNG')),
  other('GIF image', bytes('GIF8')),
  other('JPEG image', bytes('\xff\xd8\xff')),
  other(tiff, bytes('II*\0'), bytes('MM\0*'), bytes('II+\0'), bytes('MM\0+')),
];

/** What a preamble makes of its file; undefined: nothing that is known. */
export function fileTypeOf(preamble: Buffer): FileType | undefined {
  const known = signatures.find(({ starts }) =>
    starts.some((start) => preamble.subarray(0, start.length).equals(start)),
  );
  if (known) return known;
  const text = preamble.toString('latin1', 0, textBytes).replace(/^\xef\xbb\xbf/, '');
  return /^\s*<(!doctype|!--|html|head|body|script|svg|\?xml|\?php|%)/i.test(text)
    ? { name: 'HTML, XML or PHP text', isProgram: false }
    : undefined;
}

/** How many bytes of a value tell whether it is a program. */
export const programHeadBytes = 4_096;

/**
 * Whether a value within an object is a program. More is asked of it than of a preamble, as any two bytes occur in binary data:
 * a Windows program must have its second header, a script the path of what runs it.
 */
export function programTypeOf(head: Buffer): string | undefined {
  const known = fileTypeOf(head);
  if (!known?.isProgram) return undefined;
  if (known.name === windowsProgram && !hasSecondHeader(head)) return undefined;
  if (known.name === script && !/^#! ?\/[\w./-]{2,}/.test(head.toString('latin1', 0, textBytes)))
    return undefined;
  return known.name;
}

function hasSecondHeader(head: Buffer): boolean {
  if (head.length < 64) return false;
  const at = head.readUInt32LE(60);
  return ['PE', 'NE', 'LE', 'LX'].includes(head.toString('latin1', at, at + 2));
}
