import { backoffMs } from '@medusa/kernel';
import { ClaimLost, type Claim, type Notice, type Presence, type Topic, type WorkStore } from './store.ts';

export type DispatcherDeps<T extends string = Topic> = {
  readonly work: Pick<WorkStore<T>, 'due' | 'claim' | 'release'>;
  readonly openPresence: (onNotice: (notice: Notice) => void) => Promise<Presence>;
  /** Does one piece of work. Answers in how many ms to look again; null: when kicked. */
  readonly handle: (claim: Claim<T>, signal: AbortSignal) => Promise<number | null>;
  readonly onNotice: (notice: Notice) => void;
  /** How much may run at once for one provider. */
  readonly limitOf: (lane: string) => number;
  readonly report: (error: unknown) => void;
  readonly random: () => number;
};

/** A look that does not wait to be told: a notice may be lost. */
const idleMs = 5_000;
const leaseMs = 180_000;
const failurePauseMs = 5_000;

/** Claims work that is due and has it done, side by side with the other brokers. */
export class Dispatcher<T extends string = Topic> implements AsyncDisposable {
  readonly #deps: DispatcherDeps<T>;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Set<Promise<void>>>();
  #wake: () => void = () => undefined;
  #isWoken = true;
  readonly #ended: Promise<void>;

  constructor(deps: DispatcherDeps<T>) {
    this.#deps = deps;
    this.#ended = this.#run();
  }

  /** Look at once. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The broker ends'));
    this.wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        await using presence = await this.#deps.openPresence((notice) => this.#hear(notice));
        failures = 0;
        await this.#serve(presence);
      } catch (error) {
        this.#deps.report(error);
        const pause = backoffMs(failures, this.#deps.random(), { firstMs: 200, mostMs: 10_000 });
        failures += 1;
        await this.#sleep(pause);
      }
    }
  }

  #hear(notice: Notice): void {
    if (notice.kind === 'work') this.wake();
    else this.#deps.onNotice(notice);
  }

  async #serve(presence: Presence): Promise<void> {
    const signal = AbortSignal.any([presence.lost, this.#stopping.signal]);
    const wakeUp = (): void => this.wake();
    signal.addEventListener('abort', wakeUp);
    try {
      while (!signal.aborted) {
        this.#isWoken = false;
        const nextInMs = await this.#claimDue(presence, signal);
        await this.#sleep(Math.min(idleMs, nextInMs ?? idleMs));
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      await Promise.allSettled([...this.#running.values()].flatMap((tasks) => [...tasks]));
    }
    if (!this.#stopping.signal.aborted) throw presence.lost.reason;
  }

  async #claimDue(presence: Presence, signal: AbortSignal): Promise<number | null> {
    const { work, limitOf } = this.#deps;
    const { lanes, nextInMs } = await work.due();
    for (const lane of lanes) {
      if (signal.aborted) break;
      const tasks = this.#running.get(lane) ?? new Set();
      this.#running.set(lane, tasks);
      const limit = limitOf(lane) - tasks.size;
      if (limit <= 0) continue;
      const claims = await work.claim(lane, { limit, instance: presence.instance, leaseMs });
      for (const claim of claims) {
        const task = this.#work(claim, signal).finally(() => {
          tasks.delete(task);
          this.wake();
        });
        tasks.add(task);
      }
    }
    return nextInMs;
  }

  async #work(claim: Claim<T>, signal: AbortSignal): Promise<void> {
    const { handle, work, report } = this.#deps;
    let againInMs: number | null = failurePauseMs;
    try {
      againInMs = await handle(claim, signal);
    } catch (error) {
      // Who was cut off, by the end of this broker or by another one, has nothing more to say.
      if (error instanceof ClaimLost) return;
      if (!signal.aborted) report(error);
    }
    try {
      await work.release(claim, signal.aborted ? 0 : againInMs);
    } catch (error) {
      if (!signal.aborted) report(error);
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}
