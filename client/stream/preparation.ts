import { closeNegotiated, type Negotiated } from './negotiate.ts';

/** A path to a node that is negotiated before it is used: for one life of the session, the latest. */
export class Preparation {
  readonly #negotiate: () => Promise<Negotiated>;
  #known: { readonly life: string; readonly negotiated: Promise<Negotiated | undefined> } | undefined;

  constructor(negotiate: () => Promise<Negotiated>) {
    this.#negotiate = negotiate;
  }

  begin(life: string): void {
    if (this.#known?.life === life) return;
    this.drop();
    // Too early, or that node is lost too: it is negotiated when the session streams.
    this.#known = { life, negotiated: this.#negotiate().catch(() => undefined) };
  }

  /** Undefined when nothing was prepared for this life. */
  async take(life: string): Promise<Negotiated | undefined> {
    if (this.#known?.life !== life) return undefined;
    const { negotiated } = this.#known;
    this.#known = undefined;
    return negotiated;
  }

  drop(): void {
    void this.#known?.negotiated.then((negotiated) => negotiated && closeNegotiated(negotiated));
    this.#known = undefined;
  }
}
