import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { readerMessageSchema, type SessionId } from '@medusa/protocol';
import type { ReaderMessage, ViewerMessage } from '@medusa/protocol';
import { RelayConnection } from './relay-connection.ts';
import { secretTls } from './secret-tls.ts';

/** As a viewer sees its reader. */
export type FromReader = RelayConnection<ReaderMessage, ViewerMessage>;

type Expected = { readonly key: Buffer; readonly take: (connection: FromReader) => void };

/** The one TCP port on which readers deliver what they draw. Who does not know the key of a session that is expected here is not let in. */
export class RelayServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #expected = new Map<string, Expected>();
  readonly #sockets = new Map<TLSSocket, SessionId>();
  /** Also of those who have not shown yet that they know a key. */
  readonly #callers = new Set<Socket>();
  readonly #report: (error: unknown) => void;

  static async open(options: {
    readonly bindAddress: string;
    /** 0 = any free one. */
    readonly port: number;
    readonly report: (error: unknown) => void;
  }): Promise<RelayServer> {
    const relay = new RelayServer(options.report);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    relay.#server.once('error', reject);
    relay.#server.listen(options.port, options.bindAddress, () => resolve(undefined));
    await promise;
    return relay;
  }

  private constructor(report: (error: unknown) => void) {
    this.#report = report;
    const claimed = new WeakMap<TLSSocket, SessionId>();
    this.#server = createServer({
      ...secretTls,
      handshakeTimeout: 10_000,
      pskCallback: (socket, identity) => {
        claimed.set(socket, identity as SessionId);
        return this.#expected.get(identity)?.key ?? null;
      },
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#callers.add(socket);
      socket.on('close', () => this.#callers.delete(socket));
    });
    this.#server.on('secureConnection', (socket) => this.#welcome(socket, claimed.get(socket)));
    // Whoever knocks without a key is no disturbance.
    this.#server.on('tlsClientError', () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A later connection of the same session takes the place of the one before. Disposing ends them. */
  expect(sessionId: SessionId, { relayKey, take }: { relayKey: string; take: Expected['take'] }): Disposable {
    this.#expected.set(sessionId, { key: Buffer.from(relayKey, 'base64'), take });
    return {
      [Symbol.dispose]: () => {
        this.#expected.delete(sessionId);
        this.#endOf(sessionId);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    for (const socket of this.#callers) socket.destroy();
    await promise;
  }

  #welcome(socket: TLSSocket, sessionId: SessionId | undefined): void {
    const expected = sessionId === undefined ? undefined : this.#expected.get(sessionId);
    if (!expected || sessionId === undefined) {
      socket.destroy();
      return;
    }
    this.#endOf(sessionId);
    this.#sockets.set(socket, sessionId);
    socket.setNoDelay(true).setKeepAlive(true, 5_000);
    socket.on('close', () => this.#sockets.delete(socket));
    expected.take(new RelayConnection(socket, { heard: readerMessageSchema, report: this.#report }));
  }

  #endOf(sessionId: SessionId): void {
    for (const [socket, id] of this.#sockets) if (id === sessionId) socket.destroy();
  }
}
