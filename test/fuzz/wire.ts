/** What a peer says, written down from PS3.7 and PS3.8 and not from the node's code: a fault there must not be made here too. */
export const pdu = {
  associateRequest: 1,
  associateAccept: 2,
  associateReject: 3,
  data: 4,
  releaseRequest: 5,
  releaseResponse: 6,
  abort: 7,
} as const;

export const uids = {
  applicationContext: '1.2.840.10008.3.1.1.1',
  verification: '1.2.840.10008.1.1',
  storage: '1.2.840.10008.5.1.4.1.1.66',
  find: '1.2.840.10008.5.1.4.1.2.2.1',
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
} as const;

export function isUid(text: string): boolean {
  return text.length <= 64 && /^[0-9]+(\.[0-9]+)*$/.test(text);
}

export function encodePdu(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt8(type);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

export function item(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(type);
  header.writeUInt16BE(body.length, 2);
  return Buffer.concat([header, body]);
}

export type Context = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
};
export type Request = {
  readonly version: number;
  readonly called: string;
  readonly calling: string;
  readonly applicationContext: string;
  readonly contexts: readonly Context[];
  /** Sub-items of the user information. */
  readonly user: readonly Buffer[];
};

export const usualContexts: readonly Context[] = [
  { id: 1, abstractSyntax: uids.verification, transferSyntaxes: [uids.implicit] },
  { id: 3, abstractSyntax: uids.storage, transferSyntaxes: [uids.explicit] },
];

export function usualRequest(change: Partial<Request> = {}): Request {
  return {
    version: 1,
    called: 'MEDUSA',
    calling: 'FUZZER',
    applicationContext: uids.applicationContext,
    contexts: usualContexts,
    user: [item(0x51, Buffer.of(0, 0, 64, 0)), item(0x52, Buffer.from('1.2.3'))],
    ...change,
  };
}

export function encodeRequest({
  version,
  called,
  calling,
  applicationContext,
  contexts,
  user,
}: Request): Buffer {
  const title = (text: string): Buffer => Buffer.from(text.padEnd(16).slice(0, 16), 'latin1');
  return encodePdu(
    pdu.associateRequest,
    Buffer.concat([
      Buffer.of(version >> 8, version & 255, 0, 0),
      ...[title(called), title(calling), Buffer.alloc(32)],
      item(0x10, Buffer.from(applicationContext)),
      ...contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
        item(
          0x20,
          Buffer.concat([
            Buffer.of(id, 0, 0, 0),
            item(0x30, Buffer.from(abstractSyntax)),
            ...transferSyntaxes.map((uid) => item(0x40, Buffer.from(uid))),
          ]),
        ),
      ),
      item(0x50, Buffer.concat([...user])),
    ]),
  );
}

export type Fragment = {
  readonly context: number;
  /** Bit 0: command; bit 1: last. */
  readonly control: number;
  readonly bytes: Buffer;
};

export function encodeData(fragments: readonly Fragment[]): Buffer {
  return encodePdu(
    pdu.data,
    Buffer.concat(
      fragments.map(({ context, control, bytes }) => {
        const header = Buffer.alloc(6);
        header.writeUInt32BE(bytes.length + 2);
        header.writeUInt8(context, 4);
        header.writeUInt8(control, 5);
        return Buffer.concat([header, bytes]);
      }),
    ),
  );
}

export type Elements = readonly (readonly [number, Buffer])[];

export function us(value: number): Buffer {
  return Buffer.of(value & 255, (value >> 8) & 255);
}

export function text(value: string): Buffer {
  return Buffer.from(value.length % 2 === 0 ? value : `${value}\0`, 'latin1');
}

/** Group 0000 in Implicit VR Little Endian. */
export function encodeCommand(elements: Elements): Buffer {
  return Buffer.concat(
    elements.map(([number, value]) => {
      const header = Buffer.alloc(8);
      header.writeUInt16LE(number, 2);
      header.writeUInt32LE(value.length, 4);
      return Buffer.concat([header, value]);
    }),
  );
}

export function echoCommand(messageId: number): Elements {
  return [
    [0x0002, text(uids.verification)],
    [0x0100, us(0x0030)],
    [0x0110, us(messageId)],
    [0x0800, us(0x0101)],
  ];
}

export function storeCommand(messageId: number, sopClass: string, sopInstance: string): Elements {
  return [
    [0x0002, text(sopClass)],
    [0x0100, us(0x0001)],
    [0x0110, us(messageId)],
    [0x0700, us(0)],
    [0x0800, us(1)],
    [0x1000, text(sopInstance)],
  ];
}

/** An element in Explicit VR Little Endian; UIDs and texts are short ones. */
export function element(tag: number, vr: string, value: Buffer): Buffer {
  const isLong = ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(Math.floor(tag / 65_536), 0);
  header.writeUInt16LE(tag % 65_536, 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(value.length, 8);
  else header.writeUInt16LE(value.length, 6);
  return Buffer.concat([header, value]);
}

/** The least that is an object. */
export const smallObject = {
  sopClass: uids.storage,
  sopInstance: '1.2.826.0.1.3680043.9.9999.1',
  dataSet: Buffer.concat([
    element(0x00080016, 'UI', text(uids.storage)),
    element(0x00080018, 'UI', text('1.2.826.0.1.3680043.9.9999.1')),
    element(0x00080060, 'CS', text('OT')),
    element(0x00100010, 'PN', text('FUZZ^SMALL')),
    element(0x0020000d, 'UI', text('1.2.826.0.1.3680043.9.9999.2')),
    element(0x0020000e, 'UI', text('1.2.826.0.1.3680043.9.9999.3')),
  ]),
} as const;
