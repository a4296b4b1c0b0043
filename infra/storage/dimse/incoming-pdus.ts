import type { Socket } from 'node:net';
import type { Pdu } from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import { readInto } from './read-into.ts';

export type PduTaker = {
  /** A promise where it is not done at once; its bytes are good until it is. */
  take(pdu: Pdu): Promise<void> | undefined;
  /** Whether none is wanted any more. */
  isOver(): boolean;
};

/**
 * The PDUs of a connection. Most are taken at once, within the read that brought the last of their bytes. While one takes longer the
 * peer is made to wait.
 */
export class IncomingPdus {
  readonly #socket: Socket;
  readonly #reader = new PduReader();
  readonly #taker: PduTaker;
  readonly #settled = Promise.withResolvers<undefined>();
  /** Those that are whole and not taken yet. */
  #whole: Iterator<Pdu> | undefined;
  #isBusy = false;
  #isDiscarding = false;
  #isSettled = false;
  #isOver = false;
  #failure: Error | undefined;

  constructor(socket: Socket, taker: PduTaker) {
    this.#socket = socket;
    this.#taker = taker;
    socket.on('end', () => this.#end(undefined));
    socket.on('close', () => this.#end(socket.errored ?? new Error('The connection was closed')));
    if (socket.closed) this.#end(new Error('The connection is closed'));
    readInto(socket, { room: () => this.#reader.room(), take: (bytes) => this.#add(bytes) });
  }

  /** Whether it is the peer that is waited for. */
  get isReading(): boolean {
    return !this.#isBusy && !this.#isSettled;
  }

  /**
   * Resolves after the last PDU, or when none is wanted any more.
   * @throws what taking one threw, ProtocolViolation, or when the connection was lost
   */
  async all(): Promise<void> {
    this.#socket.resume();
    await this.#settled.promise;
  }

  /** What still comes is read and thrown away, so that the peer's end is seen. */
  discard(): void {
    this.#isDiscarding = true;
    this.#socket.resume();
  }

  /** Whether more may come at once. */
  #add(bytes: Buffer): boolean {
    if (this.#isDiscarding) return true;
    if (this.#isSettled) return false;
    this.#reader.add(bytes);
    return !this.#isBusy && this.#takeWhole();
  }

  #takeWhole(): boolean {
    try {
      for (let pdu = this.#next(); pdu; pdu = this.#next()) {
        const taking = this.#taker.take(pdu);
        if (taking) {
          this.#wait(taking);
          return false;
        }
        if (this.#taker.isOver()) return this.#settle();
      }
      return this.#isOver ? this.#settle(this.#failure) : true;
    } catch (error) {
      return this.#settle(error);
    }
  }

  #next(): Pdu | undefined {
    for (;;) {
      const next = this.#whole?.next();
      if (next && next.done !== true) return next.value;
      this.#whole = this.#reader.isReady() ? this.#reader.take()[Symbol.iterator]() : undefined;
      if (!this.#whole) return undefined;
    }
  }

  #wait(taking: Promise<void>): void {
    this.#isBusy = true;
    taking.then(
      () => {
        this.#isBusy = false;
        if (this.#taker.isOver()) this.#settle();
        else if (this.#takeWhole()) this.#socket.resume();
      },
      (error: unknown) => {
        this.#isBusy = false;
        this.#settle(error);
      },
    );
  }

  #settle(error?: unknown): false {
    this.#isSettled = true;
    if (error === undefined) this.#settled.resolve(undefined);
    else this.#settled.reject(error);
    return false;
  }

  #end(failure: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    if (!this.#isBusy) this.#settle(failure);
  }
}
