import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import type {
  BrokerToNode,
  NodeHeartbeat,
  NodeRegistration,
  NodeSessionEvent,
  NodeToBroker,
} from '@medusa/protocol';

type NodeSocket = Socket<NodeToBroker, BrokerToNode>;

/** The broker's end of the `/node` namespace, for tests: remembers what a node tells. */
export class FakeBroker implements AsyncDisposable {
  readonly registrations: NodeRegistration[] = [];
  readonly heartbeats: NodeHeartbeat[] = [];
  readonly events: NodeSessionEvent[] = [];
  readonly tokens: unknown[] = [];
  readonly url: string;
  /** Set to let events go unacknowledged, as a broker that dies in between would. */
  isDeaf = false;
  readonly #server: Server;
  #node: NodeSocket | undefined;

  static async start(): Promise<FakeBroker> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new FakeBroker(new Server(http), `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  }

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
    server.of('/node').on('connection', (socket: NodeSocket) => {
      this.#node = socket;
      this.tokens.push(socket.handshake.auth['token']);
      socket.on('node.register', (registration, answer) => {
        this.registrations.push(registration);
        answer({ ok: true, value: { heartbeatMs: 200 } });
      });
      socket.on('node.heartbeat', (heartbeat) => void this.heartbeats.push(heartbeat));
      socket.on('session.event', (event, answer) => {
        if (this.isDeaf) return;
        this.events.push(event);
        answer({ ok: true, value: null });
      });
    });
  }

  get node(): NodeSocket {
    if (!this.#node) throw new Error('no node has connected');
    return this.#node;
  }

  /** Ends the link as a restart of the broker does; the node comes back by itself. */
  dropNode(): void {
    this.#node?.conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}
