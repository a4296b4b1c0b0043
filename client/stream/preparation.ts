import { closeNegotiated, type Negotiated } from './negotiate.ts';

type Prepared = {
  readonly negotiated: Negotiated;
  /** What the display told meanwhile, in order: it is not told again to whoever has been there for long. */
  readonly told: readonly unknown[];
};

const mostTold = 200;

/** A path to a node that is negotiated before it is used: for one life of the session, the latest. */
export class Preparation {
  readonly #negotiate: () => Promise<Negotiated>;
  #known: { readonly life: string; readonly prepared: Promise<Prepared | undefined> } | undefined;

  constructor(negotiate: () => Promise<Negotiated>) {
    this.#negotiate = negotiate;
  }

  begin(life: string): void {
    if (this.#known?.life === life) return;
    this.drop();
    // Too early, or that node is lost too: it is negotiated when the session streams.
    this.#known = { life, prepared: this.#negotiate().then(listen, () => undefined) };
  }

  /** Undefined when nothing was prepared for this life. */
  async take(life: string): Promise<Prepared | undefined> {
    if (this.#known?.life !== life) return undefined;
    const { prepared } = this.#known;
    this.#known = undefined;
    return prepared;
  }

  drop(): void {
    void this.#known?.prepared.then((prepared) => prepared && closeNegotiated(prepared.negotiated));
    this.#known = undefined;
  }
}

function listen(negotiated: Negotiated): Prepared {
  const told: unknown[] = [];
  negotiated.displayEvents.on('message', (message: unknown) => {
    told.push(message);
    if (told.length > mostTold) told.shift();
  });
  return { negotiated, told };
}
