/**
 * Text values to Unicode by Specific Character Set (0008,0005), PS3.3 §C.12.1.1.2 and PS3.5 §6.1.
 * Single-byte sets and the multi-byte ones without code extensions are one TextDecoder;
 * with ISO 2022 escapes G0 and G1 change within a value.
 */
export type TextDecoding = (bytes: Uint8Array, isPersonName: boolean) => string;

const encodings: Readonly<Record<string, string>> = {
  '': 'latin1',
  'ISO_IR 6': 'latin1',
  'ISO_IR 100': 'latin1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** Defined Terms of Specific Character Set that are read; those of one byte a character are also written. */
export const characterSets: readonly string[] = Object.keys(encodings).filter((name) => name !== '');

/** Of a set that needs one byte a character and no escapes; undefined for others and for ASCII. */
export function singleByteLabel(characterSet: string): string | undefined {
  if (characterSet === '' || characterSet === 'ISO_IR 6' || !characterSet.startsWith('ISO_IR '))
    return undefined;
  const label = encodings[characterSet];
  return label === 'utf-8' || label === 'shift_jis' ? undefined : label;
}

type Graphic = {
  readonly label: string;
  readonly width: 1 | 2;
  readonly lead?: number;
  readonly high?: boolean;
};

const ascii: Graphic = { label: 'latin1', width: 1 };
const g1 = (label: string): Graphic => ({ label, width: 1, high: true });

/** Escape sequences without the ESC byte, PS3.3 tables C.12-3 and C.12-4. */
const escapes: Readonly<Record<string, Graphic>> = {
  '(B': ascii,
  '-A': g1('latin1'),
  '-B': g1('iso-8859-2'),
  '-C': g1('iso-8859-3'),
  '-D': g1('iso-8859-4'),
  '-L': g1('iso-8859-5'),
  '-G': g1('iso-8859-6'),
  '-F': g1('iso-8859-7'),
  '-H': g1('iso-8859-8'),
  '-M': g1('iso-8859-9'),
  '-b': g1('iso-8859-15'),
  '-T': g1('windows-874'),
  ')I': g1('shift_jis'),
  '(J': { label: 'shift_jis', width: 1 },
  // The 7-bit codes of JIS X 0208 and 0212 are those of EUC-JP less the high bits.
  $B: { label: 'euc-jp', width: 2 },
  '$(D': { label: 'euc-jp', width: 2, lead: 0x8f },
  '$)C': { label: 'euc-kr', width: 2, high: true },
  '$)A': { label: 'gbk', width: 2, high: true },
};

/** What G1 holds before any escape, by the first value of Specific Character Set. */
const initialG1: Readonly<Record<string, Graphic>> = Object.fromEntries(
  Object.entries(encodings).map(([name, label]) => [name, g1(label)]),
);

const decoders = new Map<string, InstanceType<typeof TextDecoder>>();
function decode(label: string, bytes: Uint8Array): string {
  const decoder = decoders.get(label) ?? new TextDecoder(label);
  decoders.set(label, decoder);
  return decoder.decode(bytes);
}

/** Unknown sets are read as Latin-1, so that nothing is lost and a person can see what is wrong. */
export function textDecoding(specificCharacterSet: readonly string[]): TextDecoding {
  const names = specificCharacterSet.map((name) => name.trim().toUpperCase());
  const hasEscapes = names.length > 1 || names.some((name) => name.startsWith('ISO 2022'));
  const first = (names[0] ?? '').replace('ISO 2022 IR', 'ISO_IR');
  const label = encodings[first] ?? 'latin1';
  if (!hasEscapes || label === 'utf-8' || label.startsWith('gb')) return (bytes) => decode(label, bytes);
  const start = initialG1[first] ?? g1('latin1');
  const startG0: Graphic = first === 'ISO_IR 13' ? { label: 'shift_jis', width: 1 } : ascii;
  return (bytes, isPersonName) => decodeWithEscapes(bytes, { g0: startG0, g1: start }, isPersonName);
}

type Sets = { readonly g0: Graphic; readonly g1: Graphic };

function decodeWithEscapes(bytes: Uint8Array, initial: Sets, isPersonName: boolean): string {
  let sets = initial;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x1b) {
      const escape = readEscape(bytes, at + 1);
      sets = escape.graphic ? select(sets, escape.graphic) : sets;
      at += 1 + escape.length;
      continue;
    }
    const run = readRun(bytes, at, sets);
    text += decodeRun(bytes.subarray(at, run.end), run.graphic);
    at = run.end;
    if (run.isDelimiter || (run.graphic.width === 1 && isReset(byte, isPersonName))) sets = initial;
  }
  return text;
}

function select(sets: Sets, graphic: Graphic): Sets {
  return graphic.high ? { ...sets, g1: graphic } : { ...sets, g0: graphic };
}

function readEscape(bytes: Uint8Array, at: number): { graphic: Graphic | undefined; length: number } {
  for (const length of [2, 3]) {
    const graphic = escapes[String.fromCharCode(...bytes.subarray(at, at + length))];
    if (graphic) return { graphic, length };
  }
  return { graphic: undefined, length: 2 };
}

/** PS3.5 §6.1.2.5.3: the initial sets hold again after these. */
function isReset(byte: number, isPersonName: boolean): boolean {
  if (byte === 0x0a || byte === 0x0c || byte === 0x0d || byte === 0x09 || byte === 0x5c) return true;
  return isPersonName && (byte === 0x5e || byte === 0x3d);
}

/** One control or delimiter, or the characters of one set up to where the set may change. */
function readRun(
  bytes: Uint8Array,
  at: number,
  sets: Sets,
): { end: number; graphic: Graphic; isDelimiter: boolean } {
  const byte = bytes[at] ?? 0;
  if (byte < 0x20) return { end: at + 1, graphic: ascii, isDelimiter: isReset(byte, false) };
  const isHigh = byte >= 0x80;
  const graphic = isHigh ? sets.g1 : sets.g0;
  return { end: Math.min(at + graphic.width, bytes.length), graphic, isDelimiter: false };
}

function decodeRun(bytes: Uint8Array, graphic: Graphic): string {
  if (graphic.width === 1 || graphic.high) return decode(graphic.label, bytes);
  const raised = bytes.map((byte) => byte | 0x80);
  return decode(graphic.label, graphic.lead ? Uint8Array.of(graphic.lead, ...raised) : raised);
}
