import type { Random } from './random.ts';
import {
  echoCommand,
  encodeCommand,
  encodeData,
  encodePdu,
  encodeRequest,
  item,
  pdu,
  smallObject,
  storeCommand,
  text,
  uids,
  us,
  usualContexts,
  usualRequest,
  type Context,
  type Elements,
  type Fragment,
  type Request,
} from './wire.ts';

/** Names that are there in every object of JavaScript, and what else a table should not answer to. */
const strangeNames = [
  '',
  'constructor',
  '__proto__',
  'toString',
  '../../x',
  '1',
  '1.2.3',
  '1.2.840.10008.9',
] as const;
const manyUids = [
  ...[uids.verification, uids.storage, uids.find, uids.explicit, uids.implicit],
  ...['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.1.99', '1.3.12.2.1107.5.9.1'],
  ...strangeNames,
] as const;
const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 127, 128, 254, 255, 256, 0x7fff, 0x8000, 0xffff] as const;
const lengths = [
  0, 1, 2, 3, 4, 5, 0x7fff, 0xffff, 0x10000, 131_072, 131_073, 0x7fffffff, 0xffffffff,
] as const;
const fields = [
  ...[0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x0fff],
  ...[0x8001, 0x8030, 0x0000, 0xffff],
] as const;

type Pick<Values> = Values extends readonly (infer Value)[] ? readonly [Value, ...Value[]] : never;
const from = <Value>(random: Random, values: readonly Value[]): Value => random.pick(values as Pick<Value[]>);

/** A request for an association that is wrong in one or another field, or right in an unusual way. */
export function strangeRequest(random: Random): Buffer {
  const usual = usualRequest();
  const change = from<() => Partial<Request>>(random, [
    () => ({ version: from(random, numbers) }),
    () => ({
      called: from(random, ['OTHER', 'medusa', ' MEDUSA', 'MEDUSA\xa0', '\tMEDUSA', ...strangeNames]),
    }),
    () => ({ calling: from(random, ['', ...strangeNames]) }),
    () => ({ applicationContext: from(random, manyUids) }),
    () => ({ contexts: strangeContexts(random) }),
    () => ({ user: [...usual.user, strangeUserItem(random)] }),
    () => ({ user: [] }),
    () => ({ user: [...usual.user, item(0x53, Buffer.of(0, from(random, [0, 1, 2, 8, 255]), 0, 1))] }),
  ]);
  return encodeRequest({ ...usual, ...change() });
}

function strangeContexts(random: Random): Context[] {
  const one = (id: number): Context => ({
    id,
    abstractSyntax: from(random, manyUids),
    transferSyntaxes: Array.from({ length: random.below(4) }, () => from(random, manyUids)),
  });
  const count = from(random, [0, 1, 1, 2, 3, 128, 129, 300]);
  if (random.chance(0.3)) return [...usualContexts, one(random.below(256))];
  const isWrong = random.chance(0.2);
  return Array.from({ length: count }, (_, index) =>
    one(isWrong ? random.below(256) : (index * 2 + 1) % 256),
  );
}

function strangeUserItem(random: Random): Buffer {
  const type = from(random, [0x51, 0x52, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x00, 0xff]);
  const uid = Buffer.from(from(random, manyUids));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(random.chance(0.7) ? uid.length : from(random, numbers));
  const named = Buffer.concat([length, uid, random.bytes(random.below(4))]);
  return item(type, random.chance(0.6) ? named : random.bytes(random.below(9)));
}

/** Elements of a command with something about them changed. */
function strangeElements(random: Random, elements: Elements): Elements {
  const at = random.below(elements.length);
  const rest = elements.filter((_, index) => index !== at);
  const [number, value] = elements[at] ?? [0, Buffer.alloc(0)];
  return from<() => Elements>(random, [
    () => rest,
    () => [
      ...elements,
      [from(random, [0x0000, 0x0600, 0x0900, 0x1002, 0x1008, 0x1030, 0x5010]), random.bytes(random.below(5))],
    ],
    () => [...rest, [number, value]],
    () => [...rest, [number, random.bytes(random.below(6))]],
    () => replaced(elements, at, us(from(random, numbers))),
    () => replaced(elements, at, text(from(random, manyUids))),
    () => replaced(elements, indexOf(elements, 0x0100), us(from(random, fields))),
    () => replaced(elements, indexOf(elements, 0x0110), us(random.below(0x10000))),
    () =>
      replaced(
        elements,
        indexOf(elements, 0x0800),
        us(from(random, [0x0000, 0x0001, 0x0101, 0x0102, 0xfefe])),
      ),
    () => [...elements, ...elements],
  ])();
}

function replaced(elements: Elements, at: number, value: Buffer): Elements {
  return elements.map((element, index) => (index === at ? [element[0], value] : element));
}

function indexOf(elements: Elements, number: number): number {
  return elements.findIndex(([known]) => known === number);
}

/** One message in one or many PDUs, as the protocol allows; `isStrange`: its command is not as it should be. */
export function message(random: Random, isStrange: boolean): Buffer[] {
  const isStore = random.chance(0.25);
  const usual = isStore ? usualStore(random) : echoCommand(anyId(random));
  const elements = isStrange ? strangeElements(random, usual) : usual;
  const context = isStore ? 3 : 1;
  const commandParts = fragments(random, encodeCommand(elements), { context, control: 1 });
  if (!isStore && random.chance(0.95)) return packed(random, commandParts);
  const isChanged = isStrange && random.chance(0.15);
  const dataSet = isChanged ? changed(random, smallObject.dataSet) : smallObject.dataSet;
  return packed(random, [...commandParts, ...fragments(random, dataSet, { context, control: 0 })]);
}

/** One of ten goes all the way to the disk; the others are refused by their command, when their data set has come. */
function usualStore(random: Random): Elements {
  const { sopClass, sopInstance } = smallObject;
  const isWrong = random.chance(0.9);
  const named = isWrong ? from(random, ['', '1.2.x', '../1', '-1', 'é']) : sopInstance;
  return storeCommand(anyId(random), sopClass, named);
}

function anyId(random: Random): number {
  return 1 + random.below(0xffff);
}

function fragments(
  random: Random,
  bytes: Buffer,
  { context, control }: { context: number; control: number },
): Fragment[] {
  const most = random.chance(0.8) ? bytes.length : 1 + random.below(bytes.length);
  const parts: Fragment[] = [];
  // The upper bits are the sender's to leave at zero, and nobody's to check (PS3.8 annex E).
  const reserved = random.chance(0.05) ? random.below(64) << 2 : 0;
  for (let at = 0; at < bytes.length || at === 0; at += Math.max(1, most)) {
    const isLast = at + most >= bytes.length;
    parts.push({
      context,
      control: reserved | control | (isLast ? 2 : 0),
      bytes: bytes.subarray(at, at + most),
    });
    if (isLast) break;
  }
  return parts;
}

function packed(random: Random, parts: readonly Fragment[]): Buffer[] {
  const pdus: Fragment[][] = [[]];
  for (const part of parts) {
    if (random.chance(0.6) && pdus.at(-1)?.length) pdus.push([]);
    pdus.at(-1)?.push(part);
  }
  return pdus.map((group) => encodeData(group));
}

/** Bytes changed without any thought of what they are. */
export function changed(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(Math.max(1, copy.length));
  return from<() => Buffer>(random, [
    () => {
      for (let count = 1 + random.below(4); count > 0; count--) {
        const where = random.below(Math.max(1, copy.length));
        if (where < copy.length) copy.writeUInt8(copy.readUInt8(where) ^ (1 << random.below(8)), where);
      }
      return copy;
    },
    () => {
      if (at < copy.length) copy.writeUInt8(random.below(256), at);
      return copy;
    },
    () => Buffer.concat([copy.subarray(0, at), random.bytes(1 + random.below(4)), copy.subarray(at)]),
    () => Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.below(4))]),
    () => copy.subarray(0, at),
  ])();
}

/** A PDU with its type, its length, or that of something in it changed, and the rest as it was. */
export function broken(random: Random, whole: Buffer): Buffer {
  const copy = Buffer.from(whole);
  return from<() => Buffer>(random, [
    () => {
      copy.writeUInt8(random.chance(0.7) ? random.below(9) : random.below(256), 0);
      return copy;
    },
    () => {
      copy.writeUInt32BE(nearby(random, copy.readUInt32BE(2)), 2);
      return copy;
    },
    // The first presentation data value, or the first title.
    () => {
      if (copy.length >= 10) copy.writeUInt32BE(nearby(random, copy.readUInt32BE(6)), 6);
      return copy;
    },
    () => {
      if (copy.length >= 12) copy.writeUInt8(from(random, [0, 1, 2, 3, 5, 255]), 10);
      return copy;
    },
    () => {
      if (copy.length >= 12) copy.writeUInt8(random.below(256), 11);
      return copy;
    },
    () => {
      copy.writeUInt8(random.below(256), 1);
      return copy;
    },
    () => changed(random, copy),
    () => changed(random, copy),
  ])();
}

function nearby(random: Random, length: number): number {
  if (random.chance(0.4)) return from(random, lengths);
  return Math.max(0, Math.min(0xffffffff, length + random.below(9) - 4));
}

/** PDUs that are right as they stand, and come at the wrong time. */
export function misplaced(random: Random): Buffer {
  return from<() => Buffer>(random, [
    () => encodeRequest(usualRequest()),
    () => encodePdu(pdu.associateAccept, random.bytes(random.below(80))),
    () => encodePdu(pdu.associateReject, Buffer.of(0, 1, 1, 1)),
    () => encodePdu(pdu.releaseResponse, Buffer.alloc(4)),
    () => encodePdu(pdu.releaseRequest, random.bytes(4)),
    () => encodePdu(pdu.abort, random.bytes(4)),
    () => encodePdu(pdu.data, Buffer.alloc(0)),
    () => encodeData([{ context: 3, control: 2, bytes: random.bytes(10) }]),
    () => encodeData([{ context: 9, control: 3, bytes: encodeCommand(echoCommand(1)) }]),
  ])();
}
