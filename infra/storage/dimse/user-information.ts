import { implementationClassUID, implementationVersionName } from '../dicom/file-meta.ts';
import { broken, item, items, uidText } from './associate-items.ts';
import { mostPduBytes } from './pdu.ts';

/** SCP/SCU role selection for one SOP class (PS3.7 §D.3.3.4): what the association requestor may be. */
export type Role = { readonly sopClassUID: string; readonly isScu: boolean; readonly isScp: boolean };
/** PS3.7 §D.3.3.3; 0: no limit. */
export type AsyncWindow = { readonly invoked: number; readonly performed: number };

/** User information of an association request or acceptance (PS3.7 §D.3.3). */
export type UserInformation = {
  /** The longest P-DATA-TF body that the sender takes; 0 = any. */
  readonly mostPduBytes: number;
  readonly asyncWindow: AsyncWindow | undefined;
  readonly roles: readonly Role[];
  /** SOP classes with extended negotiation, and what it says. */
  readonly extended: ReadonlyMap<string, Buffer>;
};

const types = {
  mostLength: 0x51,
  implementationClass: 0x52,
  asynchronous: 0x53,
  role: 0x54,
  implementationVersion: 0x55,
  extended: 0x56,
} as const;

/** @throws ProtocolViolation */
export function parseUserInformation(bytes: Buffer): UserInformation {
  let mostLength = 0;
  let asyncWindow: AsyncWindow | undefined;
  const roles: Role[] = [];
  const extended = new Map<string, Buffer>();
  for (const { type, bytes: value } of items(bytes)) {
    if (type === types.mostLength && value.length === 4) mostLength = value.readUInt32BE(0);
    if (type === types.asynchronous && value.length === 4)
      asyncWindow = { invoked: value.readUInt16BE(0), performed: value.readUInt16BE(2) };
    if (type === types.role) roles.push(parseRole(value));
    if (type === types.extended) extended.set(...parseExtended(value));
  }
  return { mostPduBytes: mostLength, asyncWindow, roles, extended };
}

function parseRole(value: Buffer): Role {
  const [sopClassUID, rest] = splitUid(value);
  if (rest.length < 2) throw broken('a role selection is too short');
  return { sopClassUID, isScu: rest.readUInt8(0) === 1, isScp: rest.readUInt8(1) === 1 };
}

function parseExtended(value: Buffer): [string, Buffer] {
  return splitUid(value);
}

function splitUid(value: Buffer): [string, Buffer] {
  const end = value.length >= 2 ? 2 + value.readUInt16BE(0) : Infinity;
  if (end > value.length) throw broken('an item of the user information is broken');
  return [uidText(value.subarray(2, end)), value.subarray(end)];
}

/** Maximum length and implementation are ours. */
export function encodeUserInformation(user: Partial<Omit<UserInformation, 'mostPduBytes'>>): Buffer {
  const most = Buffer.alloc(4);
  most.writeUInt32BE(mostPduBytes);
  const { asyncWindow, roles = [], extended = new Map<string, Buffer>() } = user;
  return Buffer.concat([
    item(types.mostLength, most),
    item(types.implementationClass, Buffer.from(implementationClassUID)),
    ...(asyncWindow ? [item(types.asynchronous, encodeWindow(asyncWindow))] : []),
    ...roles.map(({ sopClassUID, isScu, isScp }) =>
      item(types.role, withUid(sopClassUID, Buffer.of(Number(isScu), Number(isScp)))),
    ),
    item(types.implementationVersion, Buffer.from(implementationVersionName)),
    ...[...extended].map(([sopClassUID, value]) => item(types.extended, withUid(sopClassUID, value))),
  ]);
}

function encodeWindow({ invoked, performed }: AsyncWindow): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(invoked, 0);
  bytes.writeUInt16BE(performed, 2);
  return bytes;
}

function withUid(uid: string, rest: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(uid.length);
  return Buffer.concat([length, Buffer.from(uid, 'latin1'), rest]);
}
