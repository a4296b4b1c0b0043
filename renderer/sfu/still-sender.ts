import type { types } from 'mediasoup';

/** What there is to send. */
export type StillStore = {
  tile(key: number): Uint8Array | undefined;
  whole(): Uint8Array | undefined;
  keys(): readonly number[];
  isOver(): boolean;
};

/** What a link carried of something large, and when. */
export type BulkPace = { readonly kbps: number; readonly atMs: number };

type Part = { readonly bytes: Uint8Array; readonly sent: () => void };

/**
 * Bytes that may wait in the transport: enough for a fast link until word comes that they are gone, and so few that on a slow one the next
 * video frame finds the way free soon.
 */
const buffered = { most: 64 * 1_024, low: 32 * 1_024 };
/** Handed over without waiting for the word of each: on a busy machine that takes longer than the way to the viewer. */
const batchBytes = 32 * 1_024;
/** The channel of a new consumer opens a moment after it was made; until then it takes nothing. */
const retryMs = 50;
/** Should the word that the buffer is low get lost. */
const lookAgainMs = 1_000;

/** Less may be gone before the link is felt. */
const tellingBytes = 64 * 1_024;

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
  #handed = { sinceMs: 0, bytes: 0 };
  #pace: BulkPace | undefined;

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

  /** At least so much the link carried of the latest still that was large enough to tell. */
  get pace(): BulkPace | undefined {
    return this.#pace;
  }

  /** Another still begins. */
  begin(): void {
    this.#handed = { sinceMs: performance.now(), bytes: 0 };
    this.resume();
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
      for (let batch = this.#next(); batch.length > 0 && !this.#isClosed; batch = this.#next()) {
        this.#isLow = false;
        const amounts = await Promise.all(batch.map(async (part) => this.#hand(part)));
        this.#measure(batch, amounts.at(-1));
        if (amounts.includes(undefined)) await this.#waitAtMost(retryMs);
        else if ((amounts.at(-1) ?? 0) > buffered.most) await this.#untilLow();
      }
    } finally {
      // In the same turn as the last look: what is told after it must find that nobody sends.
      this.#isSending = false;
    }
  }

  /** What waits in the transport is not there yet. */
  #measure(batch: readonly Part[], waiting: number | undefined): void {
    this.#handed.bytes += batch.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const bytes = this.#handed.bytes - (waiting ?? Infinity);
    if (bytes < tellingBytes) return;
    const atMs = performance.now();
    this.#pace = { kbps: (bytes * 8) / (atMs - this.#handed.sinceMs), atMs };
  }

  async #untilLow(): Promise<void> {
    while (!this.#isLow && !this.#isClosed) {
      await this.#waitAtMost(lookAgainMs);
      if (this.#consumer.closed || (await this.#consumer.getBufferedAmount()) <= buffered.low) return;
    }
  }

  /** Some of the tiles that it lacks; the whole, alone, when it lacks none. */
  #next(): Part[] {
    const batch: Part[] = [];
    if (this.#store.isOver()) return batch;
    let size = 0;
    for (const key of this.#lacking) {
      const bytes = this.#store.tile(key);
      if (!bytes) {
        this.#lacking.delete(key);
        continue;
      }
      // Something newer may take its place while it is on its way: then it lacks that.
      batch.push({ bytes, sent: () => this.#store.tile(key) === bytes && this.#lacking.delete(key) });
      size += bytes.length;
      if (size >= batchBytes) break;
    }
    const whole = this.#store.whole();
    if (batch.length > 0 || !whole || !this.#lacksWhole) return batch;
    return [{ bytes: whole, sent: () => (this.#lacksWhole = this.#store.whole() !== whole) }];
  }

  /** @returns how many bytes wait now; undefined when the channel takes nothing yet. */
  async #hand({ bytes, sent }: Part): Promise<number | undefined> {
    try {
      const { buffer, byteOffset, byteLength } = bytes;
      const amount = await this.#consumer.send(Buffer.from(buffer, byteOffset, byteLength));
      sent();
      return amount;
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
