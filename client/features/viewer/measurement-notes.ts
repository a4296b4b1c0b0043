import type { ViewState } from '@medusa/protocol';

type Measurement = ViewState['measurements'][number];

type Options = {
  /** Who draws notes it; the others see the same. */
  readonly isMine: () => boolean;
  readonly note: (measurement: Measurement, view: ViewState) => void;
};

/** One that has not changed for so long is done, and its picture has come to rest if it will. */
const settleMs = 1_500;

/** Finds out of the workstation's states when a measurement was made or changed. Those that were there from the start are nobody's news. */
export class MeasurementNotes implements Disposable {
  readonly #options: Options;
  /** By its id: the length that is known of it. */
  #known: ReadonlyMap<string, number> | undefined;
  readonly #settling = new Map<string, ReturnType<typeof setTimeout>>();
  #view: ViewState | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  take(view: ViewState): void {
    this.#view = view;
    const present = new Map(view.measurements.map(({ id, lengthMm }) => [id, lengthMm]));
    const known = this.#known ?? present;
    this.#known = present;
    for (const id of this.#settling.keys()) if (!present.has(id)) this.#forget(id);
    for (const [id, lengthMm] of present)
      if (known.get(id) !== lengthMm && this.#options.isMine()) this.#settle(id);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#settling.keys()]) this.#forget(id);
  }

  #settle(id: string): void {
    this.#forget(id);
    const done = (): void => {
      this.#settling.delete(id);
      const measurement = this.#view?.measurements.find((each) => each.id === id);
      if (this.#view && measurement) this.#options.note(measurement, this.#view);
    };
    this.#settling.set(id, setTimeout(done, settleMs));
  }

  #forget(id: string): void {
    clearTimeout(this.#settling.get(id));
    this.#settling.delete(id);
  }
}
