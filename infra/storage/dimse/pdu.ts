/** Protocol Data Units of the DICOM upper layer (PS3.8 §9.3). */
export const pduTypes = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  associateReject: 0x03,
  data: 0x04,
  releaseRequest: 0x05,
  releaseResponse: 0x06,
  abort: 0x07,
} as const;

export type Pdu = { readonly type: number; readonly body: Buffer };

/** What we announce: the longest P-DATA-TF body that we take. */
export const mostPduBytes = 128 * 1024;
export const headerBytes = 6;

/** PS3.8 §9.3.8, the reasons of an abort by the service provider. */
export const abortReasons = {
  notSpecified: 0,
  unrecognizedPdu: 1,
  unexpectedPdu: 2,
  invalidParameter: 6,
} as const;

/** The peer broke the protocol: the association is aborted with this reason. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
  readonly reason: number;
  constructor(reason: number, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Why a PDU that begins so is none that we take. */
export function violationOf(type: number, length: number): ProtocolViolation | undefined {
  if (type < pduTypes.associateRequest || type > pduTypes.abort)
    return new ProtocolViolation(abortReasons.unrecognizedPdu, 'unrecognized PDU type');
  const isShort =
    type === pduTypes.releaseRequest || type === pduTypes.releaseResponse || type === pduTypes.abort;
  return (isShort ? length !== 4 : length > mostPduBytes)
    ? new ProtocolViolation(abortReasons.invalidParameter, 'PDU length out of bounds')
    : undefined;
}

export function encodePdu(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** By the service provider, that is by us. */
export function encodeAbort(reason: number): Buffer {
  return encodePdu(pduTypes.abort, Buffer.of(0, 0, 2, reason));
}

/** By the service user, for which there are no reasons (PS3.8 §9.3.8). */
export function encodeUserAbort(): Buffer {
  return encodePdu(pduTypes.abort, Buffer.alloc(4));
}

export function encodeReleaseRequest(): Buffer {
  return encodePdu(pduTypes.releaseRequest, Buffer.alloc(4));
}

export function encodeReleaseResponse(): Buffer {
  return encodePdu(pduTypes.releaseResponse, Buffer.alloc(4));
}

export type Rejection = {
  readonly result: 'permanent' | 'transient';
  /** 1 service user, 2 service provider (ACSE), 3 service provider (presentation). */
  readonly source: 1 | 2 | 3;
  readonly reason: number;
};

/** PS3.8 table 9-21. */
export const rejections = {
  applicationContext: { result: 'permanent', source: 1, reason: 2 },
  callingTitle: { result: 'permanent', source: 1, reason: 3 },
  calledTitle: { result: 'permanent', source: 1, reason: 7 },
  protocolVersion: { result: 'permanent', source: 2, reason: 2 },
  localLimit: { result: 'transient', source: 3, reason: 2 },
} as const satisfies Record<string, Rejection>;

export function encodeReject({ result, source, reason }: Rejection): Buffer {
  return encodePdu(pduTypes.associateReject, Buffer.of(0, result === 'permanent' ? 1 : 2, source, reason));
}

/** A piece of a command or data set within a P-DATA-TF (PS3.8 §9.3.5, annex E). */
export type DataValue = {
  readonly contextId: number;
  readonly isCommand: boolean;
  readonly isLast: boolean;
  readonly bytes: Buffer;
};

/** @throws ProtocolViolation */
export function* parseData(body: Buffer): Generator<DataValue, void, undefined> {
  // PS3.8 §9.3.5: one or more.
  if (body.length === 0)
    throw new ProtocolViolation(abortReasons.invalidParameter, 'no presentation data value');
  let at = 0;
  while (at < body.length) {
    const length = at + 6 <= body.length ? body.readUInt32BE(at) : 0;
    if (length < 2 || at + 4 + length > body.length)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'a presentation data value is broken');
    const flags = body.readUInt8(at + 5);
    yield {
      contextId: body.readUInt8(at + 4),
      isCommand: (flags & 1) === 1,
      isLast: (flags & 2) === 2,
      bytes: body.subarray(at + 6, at + 4 + length),
    };
    at += 4 + length;
  }
}

/** How many bytes of a message one P-DATA-TF may carry to this peer; even, as fragments must be (PS3.8 annex E). */
export function mostFragmentBytes(peerMostBytes: number): number {
  const most = peerMostBytes === 0 ? mostPduBytes : Math.min(peerMostBytes, mostPduBytes);
  return Math.max(2, (most - headerBytes) & ~1);
}

export function encodeData(value: Omit<DataValue, 'bytes'>, bytes: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes + 6);
  header.writeUInt8(pduTypes.data, 0);
  header.writeUInt32BE(bytes.length + 6, 2);
  header.writeUInt32BE(bytes.length + 2, 6);
  header.writeUInt8(value.contextId, 10);
  header.writeUInt8((value.isCommand ? 1 : 0) | (value.isLast ? 2 : 0), 11);
  return Buffer.concat([header, bytes]);
}
