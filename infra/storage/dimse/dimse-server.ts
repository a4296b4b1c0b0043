import type { Socket } from 'node:net';
import type { PeerCertificate } from '../entities/admission.ts';
import type { TrustFolder } from '../tls/trust.ts';
import { Association, type AssociationDeps } from './association.ts';
import { listenPlain, listenTls, type Listener } from './listeners.ts';

export type DimseServerOptions = {
  readonly bind: string;
  /** Absent: no plaintext. */
  readonly port: number | undefined;
  /** Of a socket that listens already, instead of `port`. */
  readonly descriptor?: number | undefined;
  readonly tls:
    | { readonly port: number; readonly descriptor?: number | undefined; readonly trust: TrustFolder }
    | undefined;
  readonly mostAssociations: number;
  readonly handshakeMs: number;
};

/** Listens for DICOM associations. */
export interface DimseServer extends AsyncDisposable {
  readonly port: number | undefined;
  readonly tlsPort: number | undefined;
  associations(): number;
  /** Takes no new associations from now on. Resolves when the last one is over, or the signal says that it has taken long enough. */
  drain(limit: AbortSignal): Promise<void>;
}

export async function startDimseServer(
  options: DimseServerOptions,
  deps: Omit<AssociationDeps, 'admit' | 'certificate'>,
): Promise<DimseServer> {
  await using starting = new AsyncDisposableStack();
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
  const serve = (socket: Socket, certificate: PeerCertificate | undefined): void => {
    const log = deps.log.child({ association: (count += 1), address: socket.remoteAddress });
    const association = new Association(socket, { ...deps, log, admit, certificate });
    // A reset connection is told to whoever reads it; this listener keeps it from being an uncaught error before and after that.
    socket.on('error', () => undefined);
    running.set(
      association,
      association.run().finally(() => running.delete(association)),
    );
  };

  const { bind, port, descriptor, tls } = options;
  // Beyond the associations some connections may be open that wait for their rejection.
  const most = { mostConnections: options.mostAssociations * 2 + 16 };
  const listeners: Listener[] = [];
  const added = (listener: Listener): Listener => {
    listeners.push(listener);
    starting.defer(async () => listener.close());
    return listener;
  };
  const plain =
    port === undefined
      ? undefined
      : added(await listenPlain({ bind, port, descriptor, ...most }, serve, deps.log));
  const refused = (reason: string, address: string): void => {
    deps.refused({ title: '', address, reason });
    deps.log.warn({ reason }, 'TLS connection refused');
  };
  const secure =
    tls &&
    added(
      await listenTls(
        { bind, ...tls, ...most, handshakeMs: options.handshakeMs },
        { connected: serve, refused, log: deps.log },
      ),
    );
  starting.move();

  return {
    port: plain?.port,
    tlsPort: secure?.port,
    associations: () => admitted,
    async drain(limit) {
      // Also connections that have not said yet what they want: by being accepted they were promised an answer.
      const areOver = Promise.all(listeners.map(async (listener) => listener.stop()));
      const isLate = new Promise<void>((resolve) => {
        if (limit.aborted) resolve();
        limit.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([areOver, isLate]);
    },
    async [Symbol.asyncDispose]() {
      for (const association of running.keys()) association.abort();
      const closed = listeners.map(async (listener) => listener.close());
      await Promise.all(running.values());
      await Promise.all(closed);
    },
  };
}
