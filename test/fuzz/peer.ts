import { once } from 'node:events';
import { connect } from 'node:net';
import { encodePdu, pdu } from './wire.ts';

type Heard = { readonly type: number; readonly body: Buffer };

/** One connection to the node, PDU by PDU. */
export interface Peer extends Disposable {
  send(bytes: Buffer): void;
  /** Undefined: the connection is over, or nothing came for long. */
  next(): Promise<Heard | undefined>;
  release(): Promise<void>;
}

const patienceMs = 60_000;

export async function connectPeer(port: number): Promise<Peer> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.setTimeout(patienceMs, () => socket.destroy());
  const heard = pdusOf(socket);
  const next = async (): Promise<Heard | undefined> => (await heard.next()).value ?? undefined;
  return {
    send: (bytes) => void socket.write(bytes),
    next,
    async release() {
      socket.write(encodePdu(pdu.releaseRequest, Buffer.alloc(4)));
      while (await next());
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function* pdusOf(socket: AsyncIterable<Buffer>): AsyncGenerator<Heard, undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 6 && bytes.length >= 6 + bytes.readUInt32BE(2)) {
        const end = 6 + bytes.readUInt32BE(2);
        yield { type: bytes.readUInt8(0), body: bytes.subarray(6, end) };
        bytes = bytes.subarray(end);
      }
    }
  } catch {
    // A reset is an end too.
  }
  return undefined;
}
