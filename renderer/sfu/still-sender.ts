import type { types } from 'mediasoup';

/** What there is to send. */
export type StillStore = {
  tile(key: number): Uint8Array | undefined;
  whole(): Uint8Array | undefined;
  keys(): readonly number[];
  isOver(): boolean;
};

/**
 * Bytes that may wait in the transport: enough for a fast link until word comes that they are gone, and so few that on a slow one the next
 * video frame finds the way free soon.
 */
const buffered = { most: 64 * 1_024, low: 24 * 1_024 };
/** The channel of a new consumer opens a moment after it was made; until then it takes nothing. */
const retryMs = 50;
/** Should the word that the buffer is low get lost. */
const lookAgainMs = 1_000;

/** Sends one participant what it lacks of the still, as fast as its own link takes it: of each place only the latest. */
export class StillSender {
  readonly #consumer: types.DataConsumer;
  readonly #store: StillStore;
  readonly #report: (error: unknown) => void;
  readonly #lacking = new Set<number>();
  #lacksWhole = false;
  #isSending = false;
  #isClosed = false;
  #isLow = true;
  #wake: (() => void) | undefined;

  constructor(consumer: types.DataConsumer, store: StillStore, report: (error: unknown) => void) {
    this.#consumer = consumer;
    this.#store = store;
    this.#report = report;
    consumer.on('bufferedamountlow', () => {
      this.#isLow = true;
      this.#wake?.();
    });
    consumer.setBufferedAmountLowThreshold(buffered.low).catch((error: unknown) => this.#fail(error));
  }

  lacks(key: number): void {
    this.#lacking.add(key);
    this.resume();
  }

  lacksWhole(): void {
    this.#lacksWhole = true;
    this.resume();
  }

  lacksAll(): void {
    for (const key of this.#store.keys()) this.#lacking.add(key);
    this.lacksWhole();
  }

  resume(): void {
    if (this.#isSending || this.#isClosed) return;
    this.#isSending = true;
    this.#send().catch((error: unknown) => this.#fail(error));
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async #send(): Promise<void> {
    try {
      for (let next = this.#next(); next && !this.#isClosed; next = this.#next()) {
        this.#isLow = false;
        const amount = await this.#hand(next.bytes);
        if (amount === undefined) {
          await this.#waitAtMost(retryMs);
          continue;
        }
        next.sent();
        if (amount > buffered.most) await this.#untilLow();
      }
    } finally {
      // In the same turn as the last look: what is told after it must find that nobody sends.
      this.#isSending = false;
    }
  }

  async #untilLow(): Promise<void> {
    while (!this.#isLow && !this.#isClosed) {
      await this.#waitAtMost(lookAgainMs);
      if (this.#consumer.closed || (await this.#consumer.getBufferedAmount()) <= buffered.low) return;
    }
  }

  /** The whole comes after all its tiles. Something newer may take the place of what is on its way: then it lacks that. */
  #next(): { bytes: Uint8Array; sent: () => void } | undefined {
    if (this.#store.isOver()) return undefined;
    for (const key of this.#lacking) {
      const bytes = this.#store.tile(key);
      if (!bytes) this.#lacking.delete(key);
      else return { bytes, sent: () => this.#store.tile(key) === bytes && this.#lacking.delete(key) };
    }
    const whole = this.#store.whole();
    if (!whole || !this.#lacksWhole) return undefined;
    return { bytes: whole, sent: () => (this.#lacksWhole = this.#store.whole() !== whole) };
  }

  /** @returns how many bytes wait now; undefined when the channel takes nothing yet. */
  async #hand({ buffer, byteOffset, byteLength }: Uint8Array): Promise<number | undefined> {
    try {
      return await this.#consumer.send(Buffer.from(buffer, byteOffset, byteLength));
    } catch {
      return undefined;
    }
  }

  async #waitAtMost(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), ms);
    this.#wake = () => resolve(undefined);
    await promise;
    this.#wake = undefined;
    clearTimeout(timer);
  }

  #fail(error: unknown): void {
    if (!this.#isClosed && !this.#consumer.closed) this.#report(error);
  }
}
