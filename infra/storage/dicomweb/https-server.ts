import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';

/** One application at its node's own address, and at one that it shares with others where that was handed over. */
export interface HttpsServers extends AsyncDisposable {
  readonly port: number;
  /** Undefined: there is only the own one. */
  readonly sharedPort: number | undefined;
  /** Takes no new connections at the shared address; what is under way goes on. */
  leaveShared(): void;
}

type HttpsOptions = {
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly bind: string;
  readonly httpsPort: number;
  /** Of a socket that listens already. */
  readonly sharedDescriptor: number | undefined;
};

export async function startHttps(options: HttpsOptions, app: RequestListener): Promise<HttpsServers> {
  const { tlsCert, tlsKey, bind, httpsPort, sharedDescriptor: fd } = options;
  await using starting = new AsyncDisposableStack();
  const [cert, key] = await Promise.all([readFile(tlsCert), readFile(tlsKey)]);
  const start = async (where: ListenOptions & { readonly fd?: number }): Promise<Server> => {
    const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, app);
    // A large study may take longer to send to us than the default five minutes.
    server.requestTimeout = 0;
    await listening(server, where);
    starting.defer(async () => closed(server));
    return server;
  };
  const own = await start({ port: httpsPort, host: bind });
  const shared = fd === undefined ? undefined : await start({ fd });
  const running = starting.move();
  return {
    port: portOf(own),
    sharedPort: shared && portOf(shared),
    leaveShared: () => void shared?.close(),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listening(server: Server, where: ListenOptions & { readonly fd?: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closed(server: Server): Promise<void> {
  const over = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await over;
}
