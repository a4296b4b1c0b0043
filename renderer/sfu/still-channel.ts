import type { types } from 'mediasoup';
import { assertNever, TypedEmitter } from '@medusa/kernel';
import { encodeStill, type StillSize } from '@medusa/protocol';
import type { StillEvent } from '../encoder/index.ts';
import { type BulkPace, StillSender, type StillStore } from './still-sender.ts';

/**
 * The `still` channel to all participants. Keeps the tiles of the latest still, so that each participant gets what it lacks at its own
 * pace, and a newcomer all of it, without another look at the picture.
 */
export class StillChannel {
  readonly events: TypedEmitter<{ wanted: [isWanted: boolean] }>;
  readonly #producer: types.DataProducer;
  readonly #report: (error: unknown) => void;
  readonly #tiles = new Map<number, Uint8Array>();
  readonly #senders = new Map<types.DataConsumer, StillSender>();
  #whole: Uint8Array | undefined;
  #picture: StillSize | undefined;
  /** What is not sent yet of a picture that is over is not worth the way. */
  #isOver = true;

  constructor(producer: types.DataProducer, report: (error: unknown) => void) {
    this.#producer = producer;
    this.#report = report;
    this.events = new TypedEmitter(report);
  }

  get producerId(): string {
    return this.#producer.id;
  }

  take(event: StillEvent): void {
    switch (event.kind) {
      case 'begun':
        this.#begin(event);
        break;
      case 'tile':
        this.#tiles.set(event.key, event.bytes);
        for (const sender of this.#senders.values()) sender.lacks(event.key);
        break;
      case 'whole':
        this.#whole = encodeStill(event);
        for (const sender of this.#senders.values()) sender.lacksWhole();
        break;
      case 'over':
        this.#isOver = true;
        this.#whole = undefined;
        break;
      default:
        assertNever(event);
    }
  }

  /** @param consumer whose browser has its end of the channel: what comes before that is lost there without a word. */
  welcome(consumer: types.DataConsumer): void {
    if (consumer.closed || this.#senders.has(consumer)) return;
    const store: StillStore = {
      tile: (key) => this.#tiles.get(key),
      whole: () => this.#whole,
      keys: () => [...this.#tiles.keys()],
      isOver: () => this.#isOver,
    };
    const sender = new StillSender(consumer, store, this.#report);
    consumer.observer.once('close', () => {
      this.#senders.delete(consumer);
      sender.close();
      if (this.#senders.size === 0) this.events.emit('wanted', false);
    });
    this.#senders.set(consumer, sender);
    if (this.#senders.size === 1) this.events.emit('wanted', true);
    sender.lacksAll();
  }

  /** Undefined: nothing is known of it. */
  paceOf(consumer: types.DataConsumer): BulkPace | undefined {
    return this.#senders.get(consumer)?.pace;
  }

  /** Of what it got something is not as it was sent. */
  sendAnew(consumer: types.DataConsumer): void {
    this.#senders.get(consumer)?.lacksAll();
  }

  #begin({ picture, changed }: Extract<StillEvent, { kind: 'begun' }>): void {
    const { widthPx, heightPx } = picture;
    if (this.#picture?.widthPx !== widthPx || this.#picture.heightPx !== heightPx) this.#tiles.clear();
    this.#picture = picture;
    for (const key of changed) this.#tiles.delete(key);
    this.#whole = undefined;
    this.#isOver = false;
    for (const sender of this.#senders.values()) sender.begin();
  }
}
