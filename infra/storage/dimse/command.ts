import { abortReasons, ProtocolViolation } from './pdu.ts';

/** DIMSE command sets (PS3.7 §6.3, annex E): group 0000, Implicit VR Little Endian. */
export const commandFields = {
  storeRequest: 0x0001,
  getRequest: 0x0010,
  findRequest: 0x0020,
  moveRequest: 0x0021,
  echoRequest: 0x0030,
  eventReportRequest: 0x0100,
  actionRequest: 0x0130,
  cancelRequest: 0x0fff,
} as const;
const responseBit = 0x8000;

/** PS3.7 annex C, PS3.4 §B.2.3 and §C.4. */
export const statuses = {
  success: 0x0000,
  processingFailure: 0x0110,
  noSuchObjectInstance: 0x0112,
  invalidArgument: 0x0115,
  invalidObjectInstance: 0x0117,
  classInstanceConflict: 0x0119,
  sopClassNotSupported: 0x0122,
  noSuchAction: 0x0123,
  unrecognizedOperation: 0x0211,
  outOfResources: 0xa700,
  cannotPerformSubOperations: 0xa702,
  unknownMoveDestination: 0xa801,
  dataSetDoesNotMatchSopClass: 0xa900,
  storedWithWarning: 0xb000,
  cannotUnderstand: 0xc000,
  /** Ours within Cxxx (PS3.4 table B.2-1): what the object is, not how it is written, is the reason. */
  refusedByPolicy: 0xc100,
  quarantined: 0xc101,
  cancelled: 0xfe00,
  pending: 0xff00,
  /** One or more optional keys are not supported. */
  pendingWithWarning: 0xff01,
} as const;

export const mostCommandBytes = 16 * 1024;

type ElementKind = 'uid' | 'title' | 'text' | 'number' | 'tag';
/** Tag within group 0000, in the order in which they are written. */
const elementTable = {
  affectedSopClassUID: [0x0002, 'uid'],
  requestedSopClassUID: [0x0003, 'uid'],
  field: [0x0100, 'number'],
  messageId: [0x0110, 'number'],
  respondedTo: [0x0120, 'number'],
  moveDestination: [0x0600, 'title'],
  priority: [0x0700, 'number'],
  dataSetType: [0x0800, 'number'],
  status: [0x0900, 'number'],
  offendingTag: [0x0901, 'tag'],
  comment: [0x0902, 'text'],
  affectedSopInstanceUID: [0x1000, 'uid'],
  requestedSopInstanceUID: [0x1001, 'uid'],
  eventTypeId: [0x1002, 'number'],
  actionTypeId: [0x1008, 'number'],
  remaining: [0x1020, 'number'],
  completed: [0x1021, 'number'],
  failed: [0x1022, 'number'],
  warning: [0x1023, 'number'],
  originatorTitle: [0x1030, 'title'],
  originatorMessageId: [0x1031, 'number'],
} as const satisfies Record<string, readonly [number, ElementKind]>;

type NumberName = {
  [Name in keyof typeof elementTable]: (typeof elementTable)[Name][1] extends 'number' ? Name : never;
}[keyof typeof elementTable];
type TextName = Exclude<keyof typeof elementTable, NumberName>;
/** What a command says, apart from whether a data set follows. */
export type CommandElements = Readonly<
  Partial<Record<Exclude<NumberName, 'dataSetType'>, number | undefined>>
> &
  Readonly<Partial<Record<TextName, string | undefined>>>;

const noDataSet = 0x0101;
const someDataSet = 0x0001;

/** A command as it came. Texts that were not there are empty. */
export type Command = Readonly<Record<Exclude<TextName, 'offendingTag' | 'comment'>, string>> & {
  readonly field: number;
  readonly isResponse: boolean;
  /** Of a request its own; of a response and of C-CANCEL the one that it is about. */
  readonly messageId: number;
  readonly hasDataSet: boolean;
  readonly status: number;
  readonly eventTypeId: number;
  readonly actionTypeId: number;
};

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
  const number = (name: NumberName): number => {
    const value = values.get(elementTable[name][0]);
    if (value?.length !== 2)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'the command set lacks an element');
    return value.readUInt16LE(0);
  };
  const optional = (name: NumberName): number => (values.has(elementTable[name][0]) ? number(name) : 0);
  const text = (name: TextName): string =>
    (values.get(elementTable[name][0])?.toString('latin1') ?? '').replace(/[\0 ]+$/, '').trimStart();
  const field = number('field');
  const isResponse = (field & responseBit) !== 0;
  const namesAnother = isResponse || field === commandFields.cancelRequest;
  return {
    field,
    isResponse,
    messageId: number(namesAnother ? 'respondedTo' : 'messageId'),
    hasDataSet: number('dataSetType') !== noDataSet,
    status: isResponse ? number('status') : 0,
    eventTypeId: optional('eventTypeId'),
    actionTypeId: optional('actionTypeId'),
    affectedSopClassUID: text('affectedSopClassUID'),
    affectedSopInstanceUID: text('affectedSopInstanceUID'),
    requestedSopClassUID: text('requestedSopClassUID'),
    requestedSopInstanceUID: text('requestedSopInstanceUID'),
    moveDestination: text('moveDestination'),
    originatorTitle: text('originatorTitle'),
  };
}

export type CommandStatus = {
  readonly status: number;
  readonly comment?: string;
  readonly offendingTag?: string;
};

/** What stands in every response to this request. */
export function responseTo(request: Command): CommandElements {
  return {
    affectedSopClassUID: request.affectedSopClassUID || request.requestedSopClassUID,
    field: request.field | responseBit,
    respondedTo: request.messageId,
    affectedSopInstanceUID: request.affectedSopInstanceUID || request.requestedSopInstanceUID,
  };
}

const elementList = Object.entries(elementTable) as [
  keyof typeof elementTable,
  readonly [number, ElementKind],
][];
const groupLengthBytes = 12;

export function encodeCommand(elements: CommandElements, hasDataSet: boolean): Buffer {
  const all = { ...elements, dataSetType: hasDataSet ? someDataSet : noDataSet };
  const values: (readonly [tag: number, value: Buffer])[] = [];
  let length = 0;
  for (const [name, [tag, kind]] of elementList) {
    const value = all[name];
    if (value === undefined || value === '') continue;
    const bytes = encodeValue(kind, value);
    values.push([tag, bytes]);
    length += 8 + bytes.length;
  }
  const command = Buffer.alloc(groupLengthBytes + length);
  command.writeUInt32LE(4, 4);
  command.writeUInt32LE(length, 8);
  let at = groupLengthBytes;
  for (const [tag, value] of values) {
    command.writeUInt16LE(tag, at + 2);
    command.writeUInt32LE(value.length, at + 4);
    at += 8 + value.copy(command, at + 8);
  }
  return command;
}

function encodeValue(kind: ElementKind, value: string | number): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(Math.min(value, 0xffff));
    return bytes;
  }
  if (kind === 'tag') return tagBytes(value);
  // Error Comment is LO: 64 characters.
  const clipped = value.slice(0, 64);
  const padding = kind === 'uid' ? '\0' : ' ';
  return Buffer.from(clipped.length % 2 === 0 ? clipped : clipped + padding, 'latin1');
}

function tagBytes(tag: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  return bytes;
}
