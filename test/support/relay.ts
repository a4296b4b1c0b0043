import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A TCP link between two programs: what one sends to this port reaches the other, as fast as the link is. */
export type Relay = AsyncDisposable & {
  readonly port: number;
  /** What came back through it so far. */
  readonly bytes: number;
  forwardTo(port: number): void;
  /** All connections share this rate from now on; null: as fast as they can. */
  throttle(kbps: number | null): void;
};

const pieceBytes = 2_048;
const mostLateMs = 250;

/** On loopback, without privileges: the kernel's own traffic control needs both root and a module that small kernels lack. */
export async function startRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let target: number | undefined;
  let rateKbps: number | null = null;
  let isFreeAt = 0;
  let bytes = 0;

  const paced = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source)
      for (let from = 0; from < chunk.length; from += pieceBytes) {
        const piece = chunk.subarray(from, from + pieceBytes);
        if (rateKbps !== null) {
          // What a late timer lost is made up for, so that a busy machine has no slower link.
          isFreeAt = Math.max(performance.now() - mostLateMs, isFreeAt) + (piece.length * 8) / rateKbps;
          await delay(Math.max(0, isFreeAt - performance.now()));
        }
        bytes += piece.length;
        yield piece;
      }
  };
  const server = createServer((near) => {
    if (target === undefined) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    const done = [pipeline(near, far), pipeline(far, paced, near)];
    // Either end may go at any time, as on any link.
    for (const way of done) way.catch(() => void [near, far].map((socket) => socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    forwardTo(port) {
      target = port;
    },
    throttle(kbps) {
      rateKbps = kbps;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
