type Listener<Args extends unknown[]> = (...args: Args) => void;

/**
 * Events that announce and never command: a listener's throw is reported, never propagated.
 * `Events` maps an event's name to the tuple of its arguments.
 */
export class TypedEmitter<Events extends Record<keyof Events, unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Dispose the answer to stop listening. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): Disposable {
    const listeners = this.#listeners.get(name) ?? new Set<Listener<never>>();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Events[Name]>)(...args);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
