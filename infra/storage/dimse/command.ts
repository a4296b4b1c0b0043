import { abortReasons, ProtocolViolation } from './pdu.ts';

/** DIMSE command sets (PS3.7 §6.3, annex E): group 0000, Implicit VR Little Endian. */
export const commandFields = { storeRequest: 0x0001, echoRequest: 0x0030, cancelRequest: 0x0fff } as const;

/** PS3.7 annex C and PS3.4 §B.2.3. */
export const statuses = {
  success: 0x0000,
  processingFailure: 0x0110,
  invalidObjectInstance: 0x0117,
  sopClassNotSupported: 0x0122,
  unrecognizedOperation: 0x0211,
  outOfResources: 0xa700,
  dataSetDoesNotMatchSopClass: 0xa900,
  storedWithWarning: 0xb000,
  cannotUnderstand: 0xc000,
} as const;

export type Command = {
  readonly field: number;
  readonly messageId: number;
  readonly affectedSopClassUID: string;
  readonly affectedSopInstanceUID: string;
  readonly hasDataSet: boolean;
};
export const mostCommandBytes = 16 * 1024;

const elements = {
  affectedSopClass: 0x0002,
  commandField: 0x0100,
  messageId: 0x0110,
  messageIdRespondedTo: 0x0120,
  dataSetType: 0x0800,
  status: 0x0900,
  offendingElement: 0x0901,
  errorComment: 0x0902,
  affectedSopInstance: 0x1000,
} as const;
const noDataSet = 0x0101;

/** @throws ProtocolViolation */
export function parseCommand(bytes: Buffer): Command {
  const values = new Map<number, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const end = at + 8 <= bytes.length ? at + 8 + bytes.readUInt32LE(at + 4) : Infinity;
    if (end > bytes.length || bytes.readUInt16LE(at) !== 0)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'the command set is broken');
    values.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  const number = (element: number): number => {
    const value = values.get(element);
    if (value?.length !== 2)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'the command set lacks an element');
    return value.readUInt16LE(0);
  };
  const uid = (element: number): string =>
    (values.get(element)?.toString('latin1') ?? '').replace(/[\0 ]+$/, '');
  const field = number(elements.commandField);
  return {
    field,
    // C-CANCEL names the message it is about in another element.
    messageId: field === commandFields.cancelRequest ? 0 : number(elements.messageId),
    affectedSopClassUID: uid(elements.affectedSopClass),
    affectedSopInstanceUID: uid(elements.affectedSopInstance),
    hasDataSet: number(elements.dataSetType) !== noDataSet,
  };
}

export type CommandStatus = {
  readonly status: number;
  readonly comment?: string;
  readonly offendingTag?: string;
};

export function encodeResponse(request: Command, { status, comment, offendingTag }: CommandStatus): Buffer {
  const body = Buffer.concat([
    ...(request.affectedSopClassUID
      ? [uidElement(elements.affectedSopClass, request.affectedSopClassUID)]
      : []),
    numberElement(elements.commandField, request.field | 0x8000),
    numberElement(elements.messageIdRespondedTo, request.messageId),
    numberElement(elements.dataSetType, noDataSet),
    numberElement(elements.status, status),
    ...(offendingTag ? [element(elements.offendingElement, tagBytes(offendingTag))] : []),
    ...(comment ? [textElement(elements.errorComment, comment)] : []),
    ...(request.affectedSopInstanceUID
      ? [uidElement(elements.affectedSopInstance, request.affectedSopInstanceUID)]
      : []),
  ]);
  const groupLength = Buffer.alloc(4);
  groupLength.writeUInt32LE(body.length);
  return Buffer.concat([element(0, groupLength), body]);
}

function element(number: number, value: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(number, 2);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
}

function numberElement(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return element(number, bytes);
}

function uidElement(number: number, uid: string): Buffer {
  return element(number, Buffer.from(uid.length % 2 === 0 ? uid : `${uid}\0`, 'latin1'));
}

/** Error Comment is LO: 64 characters. */
function textElement(number: number, text: string): Buffer {
  const clipped = text.slice(0, 64);
  return element(number, Buffer.from(clipped.length % 2 === 0 ? clipped : `${clipped} `, 'latin1'));
}

function tagBytes(tag: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  return bytes;
}
