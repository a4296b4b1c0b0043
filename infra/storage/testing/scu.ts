import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodePdu, pduTypes, type Pdu } from '../dimse/pdu.ts';
import { PduReader } from '../dimse/pdu-reader.ts';

/** The least a peer must know of DICOM, so that tests can say what a real one never would. */
export interface RawPeer extends Disposable {
  send(bytes: Buffer): void;
  /** The next PDU; undefined when the node closed the connection instead. */
  next(): Promise<Pdu | undefined>;
  closed(): Promise<void>;
}

export async function connectPeer(port: number): Promise<RawPeer> {
  const socket: Socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  const pdus = readPdus(socket);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    send: (bytes) => void socket.write(bytes),
    async next() {
      const { value } = await pdus.next();
      return value;
    },
    closed: async () => closed,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function* readPdus(socket: Socket): AsyncGenerator<Pdu, undefined> {
  const reader = new PduReader();
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      reader.add(chunk);
      for (const { type, body } of reader.take()) yield { type, body: Buffer.from(body) };
    }
  } catch {
    // A reset is an end too.
  }
  return undefined;
}

export type Proposal = {
  readonly called?: string;
  readonly calling?: string;
  /** Operations invoked, proposed as asynchronous window. */
  readonly window?: number;
  readonly protocolVersion?: number;
  readonly applicationContext?: string;
  readonly contexts?: readonly { id: number; abstractSyntax: string; transferSyntaxes: readonly string[] }[];
};

const verification = { id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: ['1.2.840.10008.1.2'] };

export function associateRequest(proposal: Proposal = {}): Buffer {
  const title = (text: string): Buffer => Buffer.from(text.padEnd(16), 'latin1');
  const version = Buffer.alloc(4);
  version.writeUInt16BE(proposal.protocolVersion ?? 1);
  const contexts = (proposal.contexts ?? [verification]).map(({ id, abstractSyntax, transferSyntaxes }) =>
    item(
      0x20,
      Buffer.concat([
        Buffer.of(id, 0, 0, 0),
        item(0x30, Buffer.from(abstractSyntax)),
        ...transferSyntaxes.map((uid) => item(0x40, Buffer.from(uid))),
      ]),
    ),
  );
  return encodePdu(
    pduTypes.associateRequest,
    Buffer.concat([
      version,
      title(proposal.called ?? 'MEDUSA'),
      title(proposal.calling ?? 'TESTER'),
      Buffer.alloc(32),
      item(0x10, Buffer.from(proposal.applicationContext ?? '1.2.840.10008.3.1.1.1')),
      ...contexts,
      item(
        0x50,
        Buffer.concat([
          item(0x51, Buffer.of(0, 1, 0, 0)),
          ...(proposal.window === undefined ? [] : [item(0x53, Buffer.of(0, proposal.window, 0, 1))]),
        ]),
      ),
    ]),
  );
}

function item(type: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type, 0, bytes.length >> 8, bytes.length & 255), bytes]);
}

/** Elements of group 0000; numbers are US. */
export function commandSet(elements: Readonly<Record<number, string | number>>): Buffer {
  return Buffer.concat(
    Object.entries(elements).map(([element, value]) => {
      const bytes =
        typeof value === 'number'
          ? Buffer.of(value & 255, value >> 8)
          : Buffer.from(value.length % 2 === 0 ? value : `${value}\0`);
      const header = Buffer.alloc(8);
      header.writeUInt16LE(Number(element), 2);
      header.writeUInt32LE(bytes.length, 4);
      return Buffer.concat([header, bytes]);
    }),
  );
}

export function dataPdu(
  contextId: number,
  bytes: Buffer,
  flags: { isCommand: boolean; isLast: boolean },
): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt32BE(bytes.length + 2);
  header.writeUInt8(contextId, 4);
  header.writeUInt8((flags.isCommand ? 1 : 0) | (flags.isLast ? 2 : 0), 5);
  return encodePdu(pduTypes.data, Buffer.concat([header, bytes]));
}

export function storeCommand(messageId: number, sopClassUID: string, sopInstanceUID: string): Buffer {
  return commandSet({
    0x0002: sopClassUID,
    0x0100: 0x0001,
    0x0110: messageId,
    0x0700: 0,
    0x0800: 1,
    0x1000: sopInstanceUID,
  });
}

/** (0000,0900) of a response. */
export function statusOf(pdu: Pdu | undefined): number | undefined {
  const at = pdu?.body.indexOf(Buffer.of(0, 0, 0, 9, 2, 0, 0, 0)) ?? -1;
  return at < 0 ? undefined : pdu?.body.readUInt16LE(at + 8);
}

/** Sends one object over an association of its own and answers the status; undefined when none came. */
export async function store(
  port: number,
  object: { sopClassUID: string; sopInstanceUID: string; transferSyntaxUID: string; dataSet: Buffer },
): Promise<number | undefined> {
  using peer = await connectPeer(port);
  const contexts = [
    { id: 1, abstractSyntax: object.sopClassUID, transferSyntaxes: [object.transferSyntaxUID] },
  ];
  peer.send(associateRequest({ contexts }));
  if ((await peer.next())?.type !== pduTypes.associateAccept) return undefined;
  sendObject(peer, 1, object);
  const status = statusOf(await peer.next());
  peer.send(encodePdu(pduTypes.releaseRequest, Buffer.alloc(4)));
  await peer.next();
  return status;
}

const pieceBytes = 60_000;

export function sendObject(
  peer: RawPeer,
  messageId: number,
  object: { sopClassUID: string; sopInstanceUID: string; dataSet: Buffer },
): void {
  const command = storeCommand(messageId, object.sopClassUID, object.sopInstanceUID);
  peer.send(dataPdu(1, command, { isCommand: true, isLast: true }));
  const { dataSet } = object;
  for (let at = 0; at === 0 || at < dataSet.length; at += pieceBytes)
    peer.send(
      dataPdu(1, dataSet.subarray(at, at + pieceBytes), {
        isCommand: false,
        isLast: at + pieceBytes >= dataSet.length,
      }),
    );
}
