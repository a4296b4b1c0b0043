import { changed } from './generate.ts';
import type { Random } from './random.ts';
import { element, text } from './wire.ts';

const root = '1.2.840.10008.5.1.4.1.2.2';
export type AskedService = { readonly name: string; readonly sopClass: string; readonly field: number };
/** What the registry lets the fuzzer ask (PS3.4 annexes C and J), by the command field of each. */
export const services: readonly [AskedService, ...AskedService[]] = [
  { name: 'C-FIND', sopClass: `${root}.1`, field: 0x0020 },
  { name: 'C-MOVE', sopClass: `${root}.2`, field: 0x0021 },
  { name: 'C-GET', sopClass: `${root}.3`, field: 0x0010 },
  { name: 'N-ACTION', sopClass: '1.2.840.10008.1.20.1', field: 0x0130 },
];

type Key = readonly [tag: number, vr: string];
/** Of all levels, in every VR that can be matched, and some that cannot. */
const keys: readonly [Key, ...Key[]] = [
  [0x00080020, 'DA'],
  [0x00080030, 'TM'],
  [0x00080050, 'SH'],
  [0x00080060, 'CS'],
  [0x00080061, 'CS'],
  [0x00080018, 'UI'],
  [0x00081195, 'UI'],
  [0x00100010, 'PN'],
  [0x00100020, 'LO'],
  [0x0020000d, 'UI'],
  [0x0020000e, 'UI'],
  [0x00200013, 'IS'],
  [0x00201206, 'IS'],
  [0x00280010, 'US'],
  [0x00400275, 'SQ'],
  [0x7fe00010, 'OW'],
  [0x00291010, 'UN'],
];
const values = [
  ...[
    '',
    '*',
    '?',
    '1.2.3',
    '1\\2\\3',
    '20200101-',
    '-20200101',
    '20200101-20191231',
    '-',
    '*A*B*C*',
    'FUZZ*',
  ],
  ...["' OR 1=1 --", '%', '_', '\\', '\0', '=', '^^^^^', 'A'.repeat(64), '[a-z]', '*'.repeat(40), '\x1b$B0'],
] as const;
const levels = ['STUDY', 'SERIES', 'IMAGE', 'PATIENT', '', 'constructor', '__proto__', 'toString'] as const;
const characterSets = [
  'ISO_IR 192',
  'ISO_IR 100',
  '\\ISO 2022 IR 87',
  'GB18030',
  'constructor',
  'XX',
] as const;

/** An identifier in Explicit VR Little Endian: right in its form, strange in what it asks; one of three with bytes changed besides. */
export function strangeIdentifier(random: Random): Buffer {
  const from = <Value>(list: readonly Value[]): Value => random.pick(list as readonly [Value, ...Value[]]);
  const chosen = keys.filter(() => random.chance(0.25)).sort(([a], [b]) => a - b);
  const parts: [number, Buffer][] = chosen.map(([tag, vr]) => [tag, element(tag, vr, valueFor(vr, random))]);
  if (random.chance(0.3)) parts.push([0x00080005, element(0x00080005, 'CS', text(from(characterSets)))]);
  if (random.chance(0.9)) parts.push([0x00080052, element(0x00080052, 'CS', text(levelFrom(random)))]);
  const whole = Buffer.concat(parts.sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
  return random.chance(0.35) ? changed(random, whole) : whole;
}

function levelFrom(random: Random): string {
  return random.chance(0.7) ? random.pick(['STUDY', 'SERIES', 'IMAGE']) : random.pick(levels);
}

function valueFor(vr: string, random: Random): Buffer {
  if (vr !== 'SQ') return text(random.pick(values));
  const item = Buffer.from('feff00e000000000', 'hex');
  const inside = random.chance(0.5) ? element(0x00400007, 'LO', text(random.pick(values))) : Buffer.alloc(0);
  item.writeUInt32LE(inside.length, 4);
  return random.chance(0.2) ? Buffer.alloc(0) : Buffer.concat([item, inside]);
}
