import { implementationClassUID, implementationVersionName } from '../dicom/file-meta.ts';
import { abortReasons, encodePdu, mostPduBytes, pduTypes, ProtocolViolation } from './pdu.ts';

/** A-ASSOCIATE-RQ and -AC (PS3.8 §9.3.2, §9.3.3). */
export const applicationContextName = '1.2.840.10008.3.1.1.1';

export type ProposedContext = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
};
export type AssociateRequest = {
  readonly protocolVersion: number;
  readonly calledTitle: string;
  readonly callingTitle: string;
  readonly applicationContext: string;
  readonly contexts: readonly ProposedContext[];
  /** The longest P-DATA-TF body the peer takes; 0 = any. */
  readonly mostPduBytes: number;
  readonly proposesAsynchronous: boolean;
  /** As they came: they are sent back (PS3.8 §9.3.3). */
  readonly titles: Buffer;
};

/** PS3.8 table 9-18. */
export type ContextResult = { readonly id: number } & (
  | { readonly result: 'accepted'; readonly transferSyntax: string }
  | { readonly result: 'abstract-syntax-not-supported' | 'transfer-syntaxes-not-supported' }
);

const itemTypes = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  acceptedContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  mostLength: 0x51,
  implementationClass: 0x52,
  asynchronous: 0x53,
  implementationVersion: 0x55,
} as const;

const fixedBytes = 68;
/** Odd numbers of one byte. */
const mostContexts = 128;

/** @throws ProtocolViolation */
export function parseAssociateRequest(body: Buffer): AssociateRequest {
  if (body.length < fixedBytes) throw broken('the association request is too short');
  const contexts: ProposedContext[] = [];
  let applicationContext = '';
  let user = { mostPduBytes: 0, proposesAsynchronous: false };
  for (const { type, bytes } of items(body.subarray(fixedBytes))) {
    if (type === itemTypes.applicationContext) applicationContext = uidText(bytes);
    if (type === itemTypes.proposedContext) contexts.push(parseContext(bytes));
    if (type === itemTypes.userInformation) user = parseUserInformation(bytes);
  }
  const ids = new Set(contexts.map(({ id }) => id));
  if (contexts.length === 0 || contexts.length > mostContexts || ids.size !== contexts.length)
    throw broken('the presentation contexts are not one to 128 with ids of their own');
  return {
    ...user,
    protocolVersion: body.readUInt16BE(0),
    calledTitle: body.toString('latin1', 4, 20).trim(),
    callingTitle: body.toString('latin1', 20, 36).trim(),
    applicationContext,
    contexts,
    titles: Buffer.from(body.subarray(4, fixedBytes)),
  };
}

function broken(message: string): ProtocolViolation {
  return new ProtocolViolation(abortReasons.invalidParameter, message);
}

function* items(bytes: Buffer): Generator<{ type: number; bytes: Buffer }, void, undefined> {
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw broken('an item is broken');
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw broken('an item is longer than what holds it');
    yield { type: bytes.readUInt8(at), bytes: bytes.subarray(at + 4, end) };
    at = end;
  }
}

function parseContext(bytes: Buffer): ProposedContext {
  if (bytes.length < 4) throw broken('a presentation context is too short');
  const id = bytes.readUInt8(0);
  if (id % 2 === 0) throw broken('the id of a presentation context is not odd');
  let abstractSyntax = '';
  const transferSyntaxes: string[] = [];
  for (const item of items(bytes.subarray(4))) {
    if (item.type === itemTypes.abstractSyntax) abstractSyntax = uidText(item.bytes);
    if (item.type === itemTypes.transferSyntax) transferSyntaxes.push(uidText(item.bytes));
  }
  return { id, abstractSyntax, transferSyntaxes };
}

function parseUserInformation(bytes: Buffer): { mostPduBytes: number; proposesAsynchronous: boolean } {
  const user = { mostPduBytes: 0, proposesAsynchronous: false };
  for (const item of items(bytes)) {
    if (item.type === itemTypes.mostLength && item.bytes.length === 4)
      user.mostPduBytes = item.bytes.readUInt32BE(0);
    if (item.type === itemTypes.asynchronous) user.proposesAsynchronous = true;
  }
  return user;
}

function uidText(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\0 ]+$/, '');
}

export function encodeAssociateAccept(request: AssociateRequest, results: readonly ContextResult[]): Buffer {
  const version = Buffer.of(0, 1, 0, 0);
  const most = Buffer.alloc(4);
  most.writeUInt32BE(mostPduBytes);
  const user = Buffer.concat([
    item(itemTypes.mostLength, most),
    item(itemTypes.implementationClass, Buffer.from(implementationClassUID)),
    // PS3.7 §D.3.3.3: one operation at a time, whatever was proposed.
    ...(request.proposesAsynchronous ? [item(itemTypes.asynchronous, Buffer.of(0, 1, 0, 1))] : []),
    item(itemTypes.implementationVersion, Buffer.from(implementationVersionName)),
  ]);
  return encodePdu(
    pduTypes.associateAccept,
    Buffer.concat([
      version,
      request.titles,
      item(itemTypes.applicationContext, Buffer.from(applicationContextName)),
      ...results.map((result) => item(itemTypes.acceptedContext, encodeContext(result))),
      item(itemTypes.userInformation, user),
    ]),
  );
}

const resultNumbers = {
  accepted: 0,
  'abstract-syntax-not-supported': 3,
  'transfer-syntaxes-not-supported': 4,
} as const;

function encodeContext(context: ContextResult): Buffer {
  const transferSyntax = context.result === 'accepted' ? context.transferSyntax : '';
  return Buffer.concat([
    Buffer.of(context.id, 0, resultNumbers[context.result], 0),
    item(itemTypes.transferSyntax, Buffer.from(transferSyntax)),
  ]);
}

function item(type: number, bytes: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}
