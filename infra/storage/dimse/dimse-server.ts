import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { Association, type AssociationDeps } from './association.ts';

export type DimseServerOptions = {
  readonly bind: string;
  readonly port: number;
  readonly mostAssociations: number;
};

/** Listens for DICOM associations. */
export interface DimseServer extends AsyncDisposable {
  readonly port: number;
  associations(): number;
}

export async function startDimseServer(
  options: DimseServerOptions,
  deps: Omit<AssociationDeps, 'admit'>,
): Promise<DimseServer> {
  const running = new Map<Association, Promise<void>>();
  let admitted = 0;
  let count = 0;

  const admit = (): Disposable | undefined => {
    if (admitted >= options.mostAssociations) return undefined;
    admitted += 1;
    return {
      [Symbol.dispose]: () => {
        admitted -= 1;
      },
    };
  };
  const serve = (socket: Socket): void => {
    const log = deps.log.child({ association: (count += 1), address: socket.remoteAddress });
    const association = new Association(socket, { ...deps, log, admit });
    // A reset connection is told to whoever reads it; this listener keeps it from being an uncaught error before and after that.
    socket.on('error', () => undefined);
    running.set(
      association,
      association.run().finally(() => running.delete(association)),
    );
  };

  const server = createServer({ allowHalfOpen: false, pauseOnConnect: false }, serve);
  // Beyond the associations some connections may be open that wait for their rejection.
  server.maxConnections = options.mostAssociations * 2 + 16;
  await listen(server, options, deps.log);

  return {
    port: (server.address() as AddressInfo).port,
    associations: () => admitted,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const association of running.keys()) association.abort();
      await Promise.all(running.values());
      await closed;
    },
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { bind, port }: DimseServerOptions,
  log: Logger,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, bind, () => {
      server.off('error', reject);
      server.on('error', (error) => log.error({ err: error }, 'the DICOM listener failed'));
      resolve();
    });
  });
}
