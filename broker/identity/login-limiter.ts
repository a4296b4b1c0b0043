/** Slows down guessing: after a few failures a key has to wait, twice as long each time. */
export class LoginLimiter {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;
  static readonly freeFailures = 5;
  static readonly firstWaitMs = 15_000;
  static readonly mostWaitMs = 15 * 60_000;
  static readonly mostKeys = 10_000;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds to wait before the next try; 0 = go ahead. */
  waitSeconds(key: string): number {
    return Math.max(0, Math.ceil(((this.#failures.get(key)?.until ?? 0) - this.#now()) / 1000));
  }

  failed(key: string): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const excess = count - LoginLimiter.freeFailures;
    const waitMs = excess < 0 ? 0 : Math.min(LoginLimiter.mostWaitMs, LoginLimiter.firstWaitMs * 2 ** excess);
    this.#failures.delete(key);
    this.#failures.set(key, { count, until: this.#now() + waitMs });
    // A flood of invented names must not fill the memory: the oldest entry goes.
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > LoginLimiter.mostKeys && oldest !== undefined) this.#failures.delete(oldest);
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}
