import { standardDictionary as entries } from './generated/dictionary.ts';

/** Overlay planes repeat over the even groups 6000–601E (PS3.5 §7.6). */
const overlayRepresentations: Readonly<Record<string, string | undefined>> = {
  '0010': 'US',
  '0011': 'US',
  '0015': 'IS',
  '0022': 'LO',
  '0040': 'CS',
  '0045': 'SH',
  '0050': 'SS',
  '0051': 'US',
  '0100': 'US',
  '0102': 'US',
  '1001': 'CS',
  '1500': 'LO',
  '3000': 'OW',
};

/** The VR of a standard attribute where the encoding does not tell it (implicit VR). Unknown and private ones are UN (PS3.5 §6.2.2). */
export function representationOf(tag: string, isSigned: boolean): string {
  const entry = entries[tag];
  if (entry) return entry[0] === 'xs' ? (isSigned ? 'SS' : 'US') : entry[0];
  if (isPrivate(tag)) return tag.startsWith('00', 4) && tag.slice(4) !== '0000' ? 'LO' : 'UN';
  if (tag.endsWith('0000')) return 'UL';
  if (/^60[01][0-9A-F]/.test(tag)) return overlayRepresentations[tag.slice(4)] ?? 'UN';
  return 'UN';
}

/** Odd groups are private (PS3.5 §7.8). */
function isPrivate(tag: string): boolean {
  return Number.parseInt(tag.slice(3, 4), 16) % 2 === 1;
}

export function keywordOf(tag: string): string {
  return entries[tag]?.[1] ?? '';
}

let tagsByKeyword: Map<string, string> | undefined;

/** From `PatientName` or `00100010` to `00100010`; undefined for anything else. */
export function tagOf(attribute: string): string | undefined {
  if (/^[0-9A-Fa-f]{8}$/.test(attribute)) return attribute.toUpperCase();
  tagsByKeyword ??= new Map(Object.entries(entries).map(([tag, entry]) => [entry?.[1] ?? '', tag]));
  return tagsByKeyword.get(attribute);
}
