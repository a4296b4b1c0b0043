import type { NodeSessionEvent } from '@medusa/protocol';

/** Answers when the broker has taken the event; throws when it may not have. */
export type Deliver = (event: NodeSessionEvent) => Promise<void>;

/** Session events on their way to the broker, in order, each until it is acknowledged. They outlive the link. */
export class Outbox {
  readonly #waiting: NodeSessionEvent[] = [];
  readonly #deliver: Deliver;
  #isFlushing = false;

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** @returns when nothing is left. @throws what the delivery threw; `flush` begins again there. */
  async add(event: NodeSessionEvent): Promise<void> {
    this.#waiting.push(event);
    await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let event = this.#waiting[0]; event; event = this.#waiting[0]) {
        await this.#deliver(event);
        this.#waiting.shift();
      }
    } finally {
      this.#isFlushing = false;
    }
  }
}
