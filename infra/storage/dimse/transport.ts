import type { Socket } from 'node:net';
import { abortReasons, encodeAbort } from './pdu.ts';
import { IncomingPdus, type PduTaker } from './incoming-pdus.ts';

export type TransportTimes = {
  /** PS3.8 §9.1.4: how long we wait for the peer to close. */
  readonly artimMs: number;
  readonly idleMs: number;
};

/** The connection under one association: PDUs in, bytes out with back-pressure, and an end that always comes. */
export class Transport {
  readonly #socket: Socket;
  readonly #times: TransportTimes;
  #incoming: IncomingPdus | undefined;
  #isEnded = false;

  /** @param isPeerDue whether it is the peer that has to act, so that it can be too late */
  constructor(socket: Socket, times: TransportTimes, isPeerDue: (isReading: boolean) => boolean) {
    this.#socket = socket;
    this.#times = times;
    // A reset connection is told to whoever reads or writes; this listener keeps it from being an uncaught error besides.
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    socket.setTimeout(times.idleMs, () => {
      if (isPeerDue(this.#incoming?.isReading !== false)) this.abort(abortReasons.notSpecified);
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Has the PDUs taken as they come, until the last one. @throws as IncomingPdus does */
  async read(taker: PduTaker): Promise<void> {
    this.#incoming = new IncomingPdus(this.#socket, {
      take: (pdu): Promise<void> | undefined => taker.take(pdu),
      isOver: () => this.#isEnded || taker.isOver(),
    });
    return this.#incoming.all();
  }

  /** Resolves when more may be written. @throws when the connection is over */
  async write(bytes: Buffer): Promise<void> {
    if (this.#isEnded || !this.#socket.writable) throw new Error('The association is over');
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  abort(reason: number): void {
    this.end(encodeAbort(reason));
  }

  end(lastWords?: Buffer): void {
    this.#isEnded = true;
    if (!this.#socket.writable) return;
    if (lastWords) this.#socket.end(lastWords);
    else this.#socket.end();
    // PS3.8 §9.1.4: the peer closes, or ARTIM does.
    const artim = setTimeout(() => this.#socket.destroy(), this.#times.artimMs);
    this.#socket.once('close', () => clearTimeout(artim));
  }

  destroy(): void {
    this.#isEnded = true;
    this.#socket.destroy();
  }

  /** As soon as our last words are sent, whatever the peer does. */
  destroySoon(): void {
    this.#socket.destroySoon();
  }

  async closed(): Promise<void> {
    this.end();
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      if (this.#incoming) this.#incoming.discard();
      else this.#socket.resume();
    });
  }
}
