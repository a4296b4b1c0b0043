import { createServer, type Server } from 'node:net';

/**
 * Below the ports systems give to outgoing connections (Linux: 32768 and up), so that none of
 * those takes one between its being found here and its program's listening on it.
 */
const first = 20_000;
const count = 10_000;

/** A port of loopback that was free a moment ago, for a program that cannot be asked which one it took. */
export async function freePort(): Promise<number> {
  const [port = NaN] = await freePorts(1);
  return port;
}

/** As many of them, all different. */
export async function freePorts(wanted: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < wanted) {
      const port = first + Math.floor(Math.random() * count);
      const server = createServer();
      try {
        await listen(server, port, '127.0.0.1');
      } catch (error) {
        if (isTaken(error)) continue;
        throw error;
      }
      held.push(server);
      ports.push(port);
    }
  } finally {
    await Promise.all(held.map(close));
  }
  return ports;
}

/** Listens on the port and lets go of it again; fails as `listen` fails, such as with `EADDRINUSE`. */
export async function listenOnce(port: number, host: string): Promise<void> {
  const server = createServer();
  await listen(server, port, host);
  await close(server);
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
