import { AppError } from '@medusa/protocol';
import type { Property, XEvent } from 'x11';
import type { XConnection } from './x-connection.ts';

type Wanted = {
  readonly selection: number;
  readonly target: number;
  /** The type of a property that announces many. */
  readonly incremental: number;
};
type Heard = (event: XEvent) => void;

const none = 0;
const anyType = 0;
const newValue = 0;
const wordBytes = 4;
/** A program that owns the selection and does not answer is not waited for. */
const answerMs = 2_000;

/** Asks the owner of a selection for it, in one piece or in many (ICCCM §2.4, §2.7.2), and never for more than may be. */
export class SelectionReader {
  readonly #connection: XConnection;
  readonly #wanted: Wanted;
  readonly #listening = new Map<number, Heard>();

  constructor(connection: XConnection, wanted: Wanted) {
    this.#connection = connection;
    this.#wanted = wanted;
  }

  heed(event: XEvent): void {
    const window = event.name === 'SelectionNotify' ? event.requestor : event.wid;
    if (window !== undefined) this.#listening.get(window)?.(event);
  }

  /**
   * Undefined: the owner has it not as text, or does not answer.
   * @throws AppError `transfer.too-large`
   */
  async read(time: number, mostBytes: number): Promise<Buffer | undefined> {
    const { client } = this.#connection;
    // A window for each reading: what comes late of one before reaches nobody.
    const window = this.#connection.createHiddenWindow();
    const events = new EventQueue();
    this.#listening.set(window, (event) => events.push(event));
    try {
      const { selection, target } = this.#wanted;
      client.ConvertSelection(window, selection, target, target, time);
      const answer = await events.next(({ name }) => name === 'SelectionNotify');
      if (!answer || answer.property === none) return undefined;
      const whole = await this.#take(window, mostBytes);
      return whole.type === this.#wanted.incremental
        ? await this.#takePieces(window, events, mostBytes)
        : whole.data;
    } finally {
      this.#listening.delete(window);
      client.DestroyWindow(window);
    }
  }

  /** Each piece is announced by a new value of the property, which its deletion asks for; an empty one is the last. */
  async #takePieces(window: number, events: EventQueue, mostBytes: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    for (let left = mostBytes; ;) {
      const told = await events.next(({ name, state }) => name === 'PropertyNotify' && state === newValue);
      if (!told) return undefined;
      const { data } = await this.#take(window, left);
      if (data.byteLength === 0) return Buffer.concat(pieces);
      left -= data.byteLength;
      pieces.push(Buffer.from(data));
    }
  }

  async #take(window: number, mostBytes: number): Promise<Property> {
    const { client } = this.#connection;
    const mostWords = Math.ceil(mostBytes / wordBytes) + 1;
    const { promise, resolve, reject } = Promise.withResolvers<Property>();
    client.GetProperty(1, window, this.#wanted.target, anyType, 0, mostWords, (error, given) =>
      error ? reject(error) : resolve(given),
    );
    const property = await promise;
    if (
      property.type !== this.#wanted.incremental &&
      property.bytesAfter + property.data.byteLength > mostBytes
    )
      throw new AppError('transfer.too-large', `No more than ${mostBytes} bytes may be copied at once`);
    return property;
  }
}

/** Events in the order in which they came, also those that came before anybody waited. */
class EventQueue {
  readonly #events: XEvent[] = [];
  #wake: (() => void) | undefined;

  push(event: XEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** The next one that fits; those before it are dropped. Undefined: none came in time. */
  async next(fits: (event: XEvent) => boolean): Promise<XEvent | undefined> {
    const signal = AbortSignal.timeout(answerMs);
    while (!signal.aborted) {
      const event = this.#events.shift();
      if (event && fits(event)) return event;
      if (event) continue;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = (): void => resolve(undefined);
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
    }
    return undefined;
  }
}
