import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { changed } from './generate.ts';
import type { Random } from './random.ts';
import { element, text, uids } from './wire.ts';

const dataFolder = path.resolve(import.meta.dirname, '../data');
const deflated = '1.2.840.10008.1.2.1.99';

/** A data set, and by what its sender says it is. */
export type FuzzedObject = {
  readonly name: string;
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly transferSyntax: string;
  readonly dataSet: Buffer;
};
export type MutatedObject = FuzzedObject & {
  readonly mutation: string;
  /** One of them. */
  readonly statuses: readonly number[];
};

/** Small ones of every transfer syntax that the node reads, and the synthetic one that is taken apart on purpose. */
export function loadObjects(): FuzzedObject[] {
  const names = [
    ...readdirSync(path.join(dataFolder, 'charset')).map((name) => `charset/${name}`),
    ...['jpeg_baseline_8bit', 'j2k_lossy', 'jpegls_near'].map((name) => `ts-matrix/ct_${name}.dcm`),
    ...['explicit_be', 'implicit_le', 'rle', 'deflated'].map((name) => `ts-matrix/ct_${name}.dcm`),
  ];
  return names.map((name) => readObject(name)).filter(({ sopInstance }) => sopInstance !== '');
}

function readObject(name: string): FuzzedObject {
  const bytes = readFileSync(path.join(dataFolder, name));
  const end = 144 + bytes.readUInt32LE(140);
  const meta = new Map<number, string>();
  for (let at = 144; at < end;) {
    const isLong = bytes.toString('latin1', at + 4, at + 6) === 'OB';
    const length = isLong ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    const start = at + (isLong ? 12 : 8);
    meta.set(bytes.readUInt16LE(at + 2), bytes.toString('latin1', start, start + length).replace(/\0$/, ''));
    at = start + length;
  }
  return {
    name,
    sopClass: meta.get(0x0002) ?? '',
    sopInstance: meta.get(0x0003) ?? '',
    transferSyntax: meta.get(0x0010) ?? '',
    dataSet: bytes.subarray(end),
  };
}

/** What must not happen is that something fails on the node's side. */
const anyVerdict = [0x0000, 0xb000, 0xc000, 0xc101, 0xa900, 0x0117] as const;
const instanceRoot = '1.2.826.0.1.3680043.9.9998';

/** An image of our own, of which all is known. */
function synthetic(number: number, parts: { frames?: number; more?: readonly Buffer[] } = {}): FuzzedObject {
  const sopInstance = `${instanceRoot}.${number}`;
  const short = (value: number): Buffer => Buffer.of(value & 255, value >> 8);
  const dataSet = Buffer.concat([
    element(0x00080016, 'UI', text(uids.storage)),
    element(0x00080018, 'UI', text(sopInstance)),
    element(0x00080060, 'CS', text('OT')),
    element(0x0020000d, 'UI', text(`${instanceRoot}.0.1`)),
    element(0x0020000e, 'UI', text(`${instanceRoot}.0.2`)),
    element(0x00280002, 'US', short(1)),
    element(0x00280008, 'IS', Buffer.from(String(parts.frames ?? 2).padEnd(12))),
    element(0x00280010, 'US', short(16)),
    element(0x00280011, 'US', short(16)),
    element(0x00280100, 'US', short(8)),
    ...(parts.more ?? []),
    element(0x7fe00010, 'OB', Buffer.alloc(512, 7)),
  ]);
  return { name: 'synthetic', sopClass: uids.storage, sopInstance, transferSyntax: uids.explicit, dataSet };
}

/** The second header of a Windows program, at the end of the first. */
function program(): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write('MZ');
  bytes.writeUInt32LE(64, 60);
  bytes.write('PE\0\0', 64);
  return bytes;
}

type Mutation = (random: Random, number: number) => Omit<MutatedObject, 'mutation'>;

const nest = Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex');
const nested = (depth: number): Buffer => Buffer.concat(Array.from({ length: depth }, () => nest));
const withData = (object: FuzzedObject, dataSet: Buffer, ...statuses: number[]): ReturnType<Mutation> => ({
  ...object,
  dataSet,
  statuses,
});

/** Those of which the right answer is known. */
const known: Readonly<Record<string, Mutation>> = {
  whole: (_, number) => withData(synthetic(number), synthetic(number).dataSet, 0x0000),
  'cut off': (random, number) => {
    const object = synthetic(number);
    return withData(object, object.dataSet.subarray(0, -1 - random.below(511)), 0xc000);
  },
  'bytes after its end': (random, number) => {
    const object = synthetic(number);
    return withData(object, Buffer.concat([object.dataSet, Buffer.alloc(1 + random.below(20))]), 0xc000);
  },
  'nested too deep': (random, number) => {
    const object = synthetic(number);
    return withData(object, Buffer.concat([object.dataSet, nested(65 + random.below(3_000))]), 0xc000);
  },
  'more frames than there are': (random, number) => {
    const object = synthetic(number, { frames: 3 + random.below(2 ** 31) });
    return withData(object, object.dataSet, 0xc000);
  },
  'a program in a private value': (_, number) => {
    const more = [element(0x00290010, 'LO', text('FUZZ')), element(0x00291010, 'OB', program())];
    const object = synthetic(number, { more });
    return withData(object, object.dataSet, 0xc101);
  },
  'another instance than it says': (_, number) => {
    const object = synthetic(number);
    return { ...object, sopInstance: `${object.sopInstance}.1`, statuses: [0x0117] };
  },
  'another class than it says': (_, number) => {
    const object = synthetic(number);
    return { ...object, sopClass: '1.2.840.10008.5.1.4.1.1.4', statuses: [0xa900] };
  },
  'other bytes of a known instance': (random) => {
    const { dataSet, ...object } = synthetic(0);
    const other = Buffer.concat([dataSet.subarray(0, -8), random.bytes(8)]);
    // The first one of all is new.
    return { ...object, dataSet: other, statuses: [0x0000, 0xb000] };
  },
  'deflated, whole': (_, number) => {
    const object = synthetic(number);
    return { ...withData(object, deflateRawSync(object.dataSet), 0x0000), transferSyntax: deflated };
  },
  'deflated, more than anything real': (_, number) => {
    const object = synthetic(number, { more: [element(0x00420011, 'OB', Buffer.alloc(24 * 1024 * 1024))] });
    return { ...withData(object, deflateRawSync(object.dataSet), 0xc000), transferSyntax: deflated };
  },
};

/** Lengths, values and bytes of real objects, where only little is known of the right answer. */
function anyChange(random: Random, object: FuzzedObject): MutatedObject {
  const { dataSet } = object;
  const head = Math.min(dataSet.length, random.chance(0.7) ? 2_000 : dataSet.length);
  const copy = Buffer.concat([changed(random, dataSet.subarray(0, head)), dataSet.subarray(head)]);
  const most = Math.min(head, copy.length - 4);
  if (random.chance(0.4) && most > 0) {
    const at = random.below(most);
    const value = random.pick([0, 1, 0xff, 0xffff, 0xfffe, 0x7fffffff, 0xfffffffe, 0xffffffff]);
    if (random.chance(0.5)) copy.writeUInt16LE(value & 0xffff, at);
    else copy.writeUInt32LE(value >>> 0, at);
  }
  return { ...object, dataSet: copy, mutation: 'bytes changed', statuses: anyVerdict };
}

const names = Object.keys(known);
/** Costly ones now and then. */
const rare = new Set(['deflated, more than anything real']);

export function mutatedObject(
  random: Random,
  objects: readonly FuzzedObject[],
  number: number,
): MutatedObject {
  // Small ones more often than large ones, which cost a hundred times as much and have the same elements.
  const [first, ...rest] = objects.filter(({ dataSet }) => dataSet.length < 60_000 || random.chance(0.03));
  if (!first) throw new Error('There are no objects');
  if (random.chance(0.6)) return anyChange(random, random.pick([first, ...rest]));
  const mutation = names[random.below(names.length)] ?? 'whole';
  if (rare.has(mutation) && !random.chance(0.1)) return mutatedObject(random, objects, number);
  const make = known[mutation];
  if (!make) throw new Error('There is no such mutation');
  return { ...make(random, number), mutation };
}
