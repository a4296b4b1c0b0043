import type { UnsentInput } from './picture.ts';

type Send = (event: UnsentInput, at: number) => void;

/** Lets inputs wait, in their order, for something that they must come after. Moves pass: the latest wins. */
export class InputGate {
  readonly #send: Send;
  readonly #waiting: [event: UnsentInput, at: number][] = [];
  #held = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  readonly send: Send = (event, at) => {
    if (this.#held === 0 || event.kind === 'move') this.#send(event, at);
    else this.#waiting.push([event, at]);
  };

  /** Holds back what is sent from now on until `work` has ended, which sends what comes before it by what it is given. */
  async hold(work: (send: Send) => Promise<void>): Promise<void> {
    this.#held += 1;
    try {
      await work(this.#send);
    } finally {
      this.#held -= 1;
      if (this.#held === 0) for (const [event, at] of this.#waiting.splice(0)) this.#send(event, at);
    }
  }
}
