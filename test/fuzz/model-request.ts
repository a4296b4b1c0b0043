import { isUid, uids } from './wire.ts';

type Judged = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly result: number;
  /** The first that is known. */
  readonly transferSyntax: string;
};
type JudgedRequest = {
  /** Result, source and reason of a rejection. */
  readonly verdict: readonly [number, number, number] | undefined;
  readonly contexts: readonly Judged[];
  readonly hasWindow: boolean;
};

const root = '1.2.840.10008.1.2';
/** The table of the conformance statement. */
const transferSyntaxes: ReadonlySet<string> = new Set([
  root,
  ...'1 1.98 1.99 2 5'.split(' ').map((tail) => `${root}.${tail}`),
  ...'50 51 57 70 80 81 90 91 92 93 100 101 102 103 104 105 106 107 108 110 111 112 201 202 203'
    .split(' ')
    .map((tail) => `${root}.4.${tail}`),
]);
/** Query, retrieval and commitment: served, but not to whom the registry does not list. */
const withoutPermission: ReadonlySet<string> = new Set([
  ...['1.1', '1.2', '1.3', '2.1', '2.2', '2.3'].map((tail) => `1.2.840.10008.5.1.4.1.2.${tail}`),
  '1.2.840.10008.1.20.1',
]);

/** PS3.8 §9.3.2. Undefined: the PDU is broken. */
export function parseRequest(body: Buffer, callers: ReadonlySet<string>): JudgedRequest | undefined {
  if (body.length < 68) return undefined;
  const items = itemsOf(body.subarray(68));
  if (!items) return undefined;
  const named = (type: number): Buffer[] => items.flatMap((item) => (item.type === type ? [item.bytes] : []));
  const contexts = named(0x20).map(contextOf);
  const windows = named(0x50).map(windowOf);
  const known = contexts.filter((context) => context !== undefined);
  const isBroken = known.length < contexts.length || windows.includes(undefined);
  const ids = new Set(known.map(({ id }) => id));
  if (isBroken || ids.size === 0 || ids.size !== known.length) return undefined;
  const applicationContext = uidOf(named(0x10).at(-1) ?? Buffer.alloc(0));
  const [called, calling] = [titleOf(body, 4), titleOf(body, 20)];
  const isAdmitted = callers.size === 0 || callers.has(calling);
  return {
    contexts: known,
    hasWindow: windows.at(-1) ?? false,
    verdict: verdictOf(body.readUInt16BE(0), applicationContext, { called, isAdmitted }),
  };
}

/** Spaces around a title mean nothing. */
function titleOf(body: Buffer, at: number): string {
  return body.toString('latin1', at, at + 16).replace(/^ +| +$/g, '');
}

function verdictOf(
  version: number,
  applicationContext: string,
  { called, isAdmitted }: { called: string; isAdmitted: boolean },
): JudgedRequest['verdict'] {
  if (version % 2 === 0) return [1, 2, 2];
  if (applicationContext !== uids.applicationContext) return [1, 1, 2];
  if (called !== 'MEDUSA') return [1, 1, 7];
  return isAdmitted ? undefined : [1, 1, 3];
}

function contextOf(bytes: Buffer): Judged | undefined {
  const items = bytes.length >= 4 ? itemsOf(bytes.subarray(4)) : undefined;
  const id = bytes[0] ?? 0;
  if (!items || id % 2 === 0) return undefined;
  const named = (type: number): string[] =>
    items.flatMap((item) => (item.type === type ? [uidOf(item.bytes)] : []));
  const abstractSyntax = named(0x30).at(-1) ?? '';
  const transferSyntax = named(0x40).find((uid) => transferSyntaxes.has(uid)) ?? '';
  return { id, abstractSyntax, transferSyntax, result: resultOf(abstractSyntax, transferSyntax) };
}

function resultOf(abstractSyntax: string, transferSyntax: string): number {
  if (withoutPermission.has(abstractSyntax)) return 1;
  if (abstractSyntax !== uids.verification && !isStorage(abstractSyntax)) return 3;
  return transferSyntax === '' ? 4 : 0;
}

function isStorage(uid: string): boolean {
  if (!isUid(uid) || !uid.includes('.')) return false;
  if (!uid.startsWith('1.2.840.10008.')) return true;
  return (
    uid.startsWith('1.2.840.10008.5.1.4.1.1.') ||
    uid === '1.2.840.10008.5.1.4.34.7' ||
    uid === '1.2.840.10008.5.1.4.34.10'
  );
}

/** Whether more than one operation at once is negotiated; undefined: broken. */
function windowOf(bytes: Buffer): boolean | undefined {
  const items = itemsOf(bytes);
  if (!items) return undefined;
  let hasWindow = false;
  for (const { type, bytes: value } of items) {
    const uidEnd = value.length >= 2 ? 2 + value.readUInt16BE(0) : Infinity;
    // Role selection and extended negotiation name a SOP class first (PS3.7 §D.3.3.4, §D.3.3.5).
    if (type === 0x54 && uidEnd + 2 > value.length) return undefined;
    if (type === 0x56 && uidEnd > value.length) return undefined;
    if (type === 0x53 && value.length === 4) hasWindow = value.readUInt16BE(0) !== 1;
  }
  return hasWindow;
}

type Item = { readonly type: number; readonly bytes: Buffer };

function itemsOf(bytes: Buffer): Item[] | undefined {
  const items: Item[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt16BE(at + 2) : Infinity;
    if (end > bytes.length) return undefined;
    items.push({ type: bytes.readUInt8(at), bytes: bytes.subarray(at + 4, end) });
    at = end;
  }
  return items;
}

function uidOf(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\0 ]+$/, '');
}
