import { singleByteLabel } from './charset.ts';

const tables = new Map<string, ReadonlyMap<string, number>>();

/**
 * Text in a Specific Character Set of one byte a character, in ASCII (no name) or UTF-8; undefined when it does not fit. Sets
 * with code extensions are read but not written: every peer that asks in one of them gets UTF-8.
 */
export function encodeText(text: string, characterSet: string): Buffer | undefined {
  if (characterSet === 'ISO_IR 192') return Buffer.from(text, 'utf8');
  const isAscii = /^[\x00-\x7f]*$/.test(text); // eslint-disable-line no-control-regex -- ASCII is what is meant
  if (isAscii) return Buffer.from(text, 'latin1');
  const label = singleByteLabel(characterSet);
  if (label === undefined) return undefined;
  const table = tables.get(label) ?? highHalf(label);
  tables.set(label, table);
  const bytes: number[] = [];
  for (const character of text) {
    const byte = character < '\x80' ? character.charCodeAt(0) : table.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Buffer.from(bytes);
}

/** The printable upper half: what a decoder makes of 80–9F is no part of any DICOM set. */
function highHalf(label: string): ReadonlyMap<string, number> {
  const decoder = new TextDecoder(label);
  const codes = Array.from({ length: 96 }, (_, index) => 0xa0 + index);
  return new Map(codes.map((code) => [decoder.decode(Uint8Array.of(code)), code]));
}
