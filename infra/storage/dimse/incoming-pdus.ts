import type { Socket } from 'node:net';
import type { Pdu } from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import { readInto } from './read-into.ts';

/** The PDUs of a connection, as many at a time as have come. The peer is made to wait while they are performed. */
export class IncomingPdus {
  readonly #socket: Socket;
  readonly #reader = new PduReader();
  #wanted: PromiseWithResolvers<Iterable<Pdu> | undefined> | undefined;
  #isDiscarding = false;
  #isOver = false;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('end', () => this.#end(undefined));
    socket.on('close', () => this.#end(socket.errored ?? new Error('The connection was closed')));
    if (socket.closed) this.#end(new Error('The connection is closed'));
    readInto(socket, { room: () => this.#reader.room(), take: (bytes) => this.#take(bytes) });
  }

  /**
   * Undefined after the last one. The bytes of those before are no longer good when it is called.
   * @throws when the connection was lost. To read what it answers throws a ProtocolViolation.
   */
  async next(): Promise<Iterable<Pdu> | undefined> {
    if (this.#reader.isReady()) return this.#reader.take();
    if (this.#failure) throw this.#failure;
    if (this.#isOver) return undefined;
    this.#wanted = Promise.withResolvers();
    this.#socket.resume();
    return this.#wanted.promise;
  }

  /** What still comes is read and thrown away, so that the peer's end is seen. */
  discard(): void {
    this.#isDiscarding = true;
    this.#socket.resume();
  }

  #take(bytes: Buffer): boolean {
    if (this.#isDiscarding) return true;
    this.#reader.add(bytes);
    if (!this.#wanted) return false;
    if (!this.#reader.isReady()) return true;
    this.#wanted.resolve(this.#reader.take());
    this.#wanted = undefined;
    return false;
  }

  #end(failure: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    if (failure) this.#wanted?.reject(failure);
    else this.#wanted?.resolve(undefined);
    this.#wanted = undefined;
  }
}
