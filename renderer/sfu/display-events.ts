import type { types } from 'mediasoup';
import type { DisplayEvent } from '@medusa/protocol';

/** How often a new consumer is told the state: its channel may open a moment after the SFU knows of it. */
const repeats = 4;
type StateKind = 'size' | 'cursor' | 'view' | 'controller' | 'grays';
const stateKinds: ReadonlySet<string> = new Set<StateKind>(['size', 'cursor', 'view', 'controller', 'grays']);

/** The `display.events` channel to all participants; newcomers get the latest of each kind of state. */
export class DisplayEvents {
  readonly #producer: types.DataProducer;
  readonly #state = new Map<string, DisplayEvent>();
  readonly #newcomers = new Map<types.DataConsumer, number>();
  readonly #report: (error: unknown) => void;

  constructor(producer: types.DataProducer, report: (error: unknown) => void) {
    this.#producer = producer;
    this.#report = report;
  }

  get producerId(): string {
    return this.#producer.id;
  }

  announce(event: DisplayEvent): void {
    if (stateKinds.has(event.kind)) this.#state.set(event.kind, event);
    if (!this.#producer.closed) this.#producer.send(JSON.stringify(event));
  }

  welcome(consumer: types.DataConsumer): void {
    this.#newcomers.set(consumer, repeats);
    this.#tell(consumer);
  }

  /** Called each second. */
  repeatState(): void {
    for (const [consumer, left] of this.#newcomers) {
      if (consumer.closed || left === 0) this.#newcomers.delete(consumer);
      else {
        this.#newcomers.set(consumer, left - 1);
        this.#tell(consumer);
      }
    }
  }

  #tell(consumer: types.DataConsumer): void {
    for (const event of this.#state.values()) {
      // A consumer whose channel is not open yet refuses: it is told again.
      void consumer.send(JSON.stringify(event)).catch((error: unknown) => {
        if (!consumer.closed && this.#newcomers.get(consumer) === 0) this.#report(error);
      });
    }
  }
}
