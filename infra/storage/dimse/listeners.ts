import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { identityOf, type PeerCertificate } from '../entities/admission.ts';
import { refusalOf, type TrustFolder } from '../tls/trust.ts';

/** Takes connections until it is closed. */
export interface Listener {
  readonly port: number;
  /** Takes no new connections; resolves when those that are there have ended by themselves. */
  stop(): Promise<void>;
  /** Resolves when every connection is closed too. */
  close(): Promise<void>;
}

type Where = {
  readonly bind: string;
  readonly port: number;
  /** Of a socket that listens already, instead of address and port. */
  readonly descriptor?: number | undefined;
  readonly mostConnections: number;
};
export type Connected = (socket: Socket, certificate: PeerCertificate | undefined) => void;

export async function listenPlain(where: Where, connected: Connected, log: Logger): Promise<Listener> {
  const server = createServer({ allowHalfOpen: false, pauseOnConnect: false }, (socket) =>
    connected(socket, undefined),
  );
  return listening(server, where, log);
}

type TlsWhere = Where & { readonly trust: TrustFolder; readonly handshakeMs: number };
type TlsEvents = {
  readonly connected: Connected;
  readonly refused: (reason: string, address: string) => void;
  readonly log: Logger;
};

/** How often the certificates are looked at: they are renewed, and authorities change, while the node runs. */
const lookMs = 2_000;

/** DICOM over TLS (PS3.15 §B.12). Both sides show a certificate; a handshake that fails is told to nobody but the log. */
export async function listenTls(where: TlsWhere, { connected, refused, log }: TlsEvents): Promise<Listener> {
  const { trust, handshakeMs } = where;
  let inForce = await trust.current();
  const server = createTlsServer({
    ...inForce.context,
    requestCert: true,
    rejectUnauthorized: true,
    honorCipherOrder: true,
    handshakeTimeout: handshakeMs,
  });
  const verify = async (socket: TLSSocket): Promise<void> => {
    // Until it is known who that is, nothing is read.
    socket.on('error', () => undefined);
    const leaf = socket.getPeerX509Certificate();
    const reason = leaf ? refusalOf(leaf, await trust.current()) : 'no certificate';
    if (!leaf || reason !== undefined) {
      refused(reason ?? '', socket.remoteAddress ?? '');
      socket.destroy();
      return;
    }
    if (!socket.destroyed) connected(socket, identityOf(leaf));
  };
  const failed = (socket: TLSSocket, error: unknown): void => {
    log.error({ err: error }, 'the certificates could not be read');
    socket.destroy();
  };
  server.on('secureConnection', (socket) => {
    verify(socket).catch((error: unknown) => failed(socket, error));
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    refused(error.code ?? 'handshake failed', socket.remoteAddress ?? '');
    // One that only took too long is still open.
    socket.destroy();
  });

  const look = async (): Promise<void> => {
    const now = await trust.current();
    if (now === inForce) return;
    inForce = now;
    server.setSecureContext(now.context);
    log.info({ ends: now.own.validTo }, 'certificates for DICOM over TLS read again');
  };
  const looking = setInterval(() => {
    look().catch((error: unknown) => log.error({ err: error }, 'the certificates could not be read'));
  }, lookMs);
  try {
    const listener = await listening(server, where, log);
    return {
      port: listener.port,
      stop: async () => listener.stop(),
      async close() {
        clearInterval(looking);
        await listener.close();
      },
    };
  } catch (error) {
    clearInterval(looking);
    throw error;
  }
}

async function listening(
  server: Server,
  { bind, port, descriptor, mostConnections }: Where,
  log: Logger,
): Promise<Listener> {
  server.maxConnections = mostConnections;
  // Also those that are still shaking hands.
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(descriptor === undefined ? { port, host: bind } : { fd: descriptor }, () => {
      server.off('error', reject);
      server.on('error', (error) => log.error({ err: error }, 'the DICOM listener failed'));
      resolve();
    });
  });
  let closed: Promise<void> | undefined;
  const stop = async (): Promise<void> =>
    (closed ??= new Promise((resolve) => {
      server.close(() => resolve());
    }));
  return {
    port: (server.address() as AddressInfo).port,
    stop,
    async close() {
      const ended = stop();
      for (const socket of open) socket.destroySoon();
      await ended;
    },
  };
}
