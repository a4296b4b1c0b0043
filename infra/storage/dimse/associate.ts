import { broken, item, items, uidText } from './associate-items.ts';
import { encodePdu, pduTypes, type Rejection } from './pdu.ts';
import { encodeUserInformation, parseUserInformation, type UserInformation } from './user-information.ts';

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
  readonly user: UserInformation;
  /** As they came: they are sent back (PS3.8 §9.3.3). */
  readonly titles: Buffer;
};

/** PS3.8 table 9-18. */
export type ContextResult = { readonly id: number } & (
  | { readonly result: 'accepted'; readonly transferSyntax: string }
  | {
      readonly result: 'user-rejection' | 'abstract-syntax-not-supported' | 'transfer-syntaxes-not-supported';
    }
);

const itemTypes = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  acceptedContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
} as const;

const fixedBytes = 68;
/** Odd numbers of one byte. */
export const mostContexts = 128;
const noUser: UserInformation = {
  mostPduBytes: 0,
  asyncWindow: undefined,
  roles: [],
  extended: new Map(),
};

/** @throws ProtocolViolation */
export function parseAssociateRequest(body: Buffer): AssociateRequest {
  if (body.length < fixedBytes) throw broken('the association request is too short');
  const contexts: ProposedContext[] = [];
  let applicationContext = '';
  let user = noUser;
  for (const { type, bytes } of items(body.subarray(fixedBytes))) {
    if (type === itemTypes.applicationContext) applicationContext = uidText(bytes);
    if (type === itemTypes.proposedContext) contexts.push(parseContext(bytes));
    if (type === itemTypes.userInformation) user = parseUserInformation(bytes);
  }
  const ids = new Set(contexts.map(({ id }) => id));
  if (contexts.length === 0 || contexts.length > mostContexts || ids.size !== contexts.length)
    throw broken('the presentation contexts are not one to 128 with ids of their own');
  return {
    user,
    protocolVersion: body.readUInt16BE(0),
    calledTitle: titleText(body.subarray(4, 20)),
    callingTitle: titleText(body.subarray(20, 36)),
    applicationContext,
    contexts,
    titles: Buffer.from(body.subarray(4, fixedBytes)),
  };
}

/** PS3.5 table 6.2-1: spaces around it mean nothing; anything else does. */
function titleText(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/^ +| +$/g, '');
}

function parseContext(bytes: Buffer): ProposedContext {
  if (bytes.length < 4) throw broken('a presentation context is too short');
  const id = bytes.readUInt8(0);
  if (id % 2 === 0) throw broken('the id of a presentation context is not odd');
  let abstractSyntax = '';
  const transferSyntaxes: string[] = [];
  for (const { type, bytes: value } of items(bytes.subarray(4))) {
    if (type === itemTypes.abstractSyntax) abstractSyntax = uidText(value);
    if (type === itemTypes.transferSyntax) transferSyntaxes.push(uidText(value));
  }
  return { id, abstractSyntax, transferSyntaxes };
}

export function encodeAssociateAccept(
  request: AssociateRequest,
  results: readonly ContextResult[],
  user: Partial<UserInformation>,
): Buffer {
  return encodeAssociate(pduTypes.associateAccept, request.titles, {
    contexts: results.map((result) => item(itemTypes.acceptedContext, encodeResult(result))),
    user,
  });
}

const resultNumbers = {
  accepted: 0,
  'user-rejection': 1,
  'abstract-syntax-not-supported': 3,
  'transfer-syntaxes-not-supported': 4,
} as const;

function encodeResult(context: ContextResult): Buffer {
  const transferSyntax = context.result === 'accepted' ? context.transferSyntax : '';
  return Buffer.concat([
    Buffer.of(context.id, 0, resultNumbers[context.result], 0),
    item(itemTypes.transferSyntax, Buffer.from(transferSyntax)),
  ]);
}

export type AssociateProposal = {
  readonly calledTitle: string;
  readonly callingTitle: string;
  readonly contexts: readonly ProposedContext[];
  readonly user: Partial<UserInformation>;
};

export function encodeAssociateRequest(proposal: AssociateProposal): Buffer {
  const title = (text: string): Buffer => Buffer.from(text.padEnd(16), 'latin1');
  const titles = Buffer.concat([title(proposal.calledTitle), title(proposal.callingTitle), Buffer.alloc(32)]);
  return encodeAssociate(pduTypes.associateRequest, titles, {
    contexts: proposal.contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
      item(
        itemTypes.proposedContext,
        Buffer.concat([
          Buffer.of(id, 0, 0, 0),
          item(itemTypes.abstractSyntax, Buffer.from(abstractSyntax)),
          ...transferSyntaxes.map((uid) => item(itemTypes.transferSyntax, Buffer.from(uid))),
        ]),
      ),
    ),
    user: proposal.user,
  });
}

function encodeAssociate(
  type: number,
  titles: Buffer,
  { contexts, user }: { contexts: readonly Buffer[]; user: Partial<UserInformation> },
): Buffer {
  return encodePdu(
    type,
    Buffer.concat([
      Buffer.of(0, 1, 0, 0),
      titles,
      item(itemTypes.applicationContext, Buffer.from(applicationContextName)),
      ...contexts,
      item(itemTypes.userInformation, encodeUserInformation(user)),
    ]),
  );
}

export type AssociateAccept = {
  /** Accepted contexts: id → transfer syntax. */
  readonly contexts: ReadonlyMap<number, string>;
  readonly user: UserInformation;
};

/** @throws ProtocolViolation */
export function parseAssociateAccept(body: Buffer): AssociateAccept {
  if (body.length < fixedBytes) throw broken('the association acceptance is too short');
  const contexts = new Map<number, string>();
  let user = noUser;
  for (const { type, bytes } of items(body.subarray(fixedBytes))) {
    if (type === itemTypes.userInformation) user = parseUserInformation(bytes);
    if (type !== itemTypes.acceptedContext) continue;
    if (bytes.length < 4) throw broken('a presentation context is too short');
    if (bytes.readUInt8(2) !== resultNumbers.accepted) continue;
    for (const { type: subtype, bytes: value } of items(bytes.subarray(4)))
      if (subtype === itemTypes.transferSyntax) contexts.set(bytes.readUInt8(0), uidText(value));
  }
  return { contexts, user };
}

/** For the log: result, source, reason (PS3.8 table 9-21). */
export function parseReject(body: Buffer): Pick<Rejection, 'result'> & { source: number; reason: number } {
  const isTransient = body.length >= 4 && body.readUInt8(1) === 2;
  return {
    result: isTransient ? 'transient' : 'permanent',
    source: body[2] ?? 0,
    reason: body[3] ?? 0,
  };
}
