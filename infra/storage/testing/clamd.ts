import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** What ClamAV's daemon cannot be made to do when a test wants it: to be silent, or gone. The real one is among the peers. */
export interface ScannerStandIn extends AsyncDisposable {
  readonly port: number;
  /** Bytes of all that it was given to scan. */
  readonly seen: Buffer[];
}

type Answer = (bytes: Buffer) => string | undefined;

/** Speaks INSTREAM: chunks with their length before them, the last one empty. */
export async function startScanner(answer: Answer, port = 0): Promise<ScannerStandIn> {
  const seen: Buffer[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const whole = unframed(bytes);
      if (!whole) return;
      seen.push(whole);
      const text = answer(whole);
      if (text !== undefined) socket.end(`${text}\0`);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function unframed(bytes: Buffer): Buffer | undefined {
  const command = 'zINSTREAM\0';
  if (bytes.toString('latin1', 0, command.length) !== command) return undefined;
  const chunks: Buffer[] = [];
  for (let at = command.length; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}
