import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import {
  ClaimLost,
  type Claim,
  type Notice,
  type Presence,
  type Room,
  type Topic,
  type WorkStore,
} from './store.ts';

export type DispatcherDeps<T extends string = Topic> = {
  readonly work: Pick<WorkStore<T>, 'claim' | 'release'>;
  /** The notice that tells of new work. */
  readonly wakesAt: Notice['kind'];
  readonly openPresence: (onNotice: (notice: Notice) => void) => Promise<Presence>;
  /** Does one piece of work. Answers in how many ms to look again; null: when kicked. */
  readonly handle: (claim: Claim<T>, signal: AbortSignal) => Promise<number | null>;
  readonly onNotice: (notice: Notice) => void;
  /** How much may run at once of each lane. */
  readonly limits: () => Room;
  readonly report: (error: unknown) => void;
  readonly random: () => number;
};

/** A look that does not wait to be told: a notice may be lost. */
const idleMs = 5_000;
const leaseMs = 180_000;
/** Between two looks for work, however often it is told of: with many brokers most of what is told is done by others. */
const pauseMs = 30;
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
    if (notice.kind === this.#deps.wakesAt) this.wake();
    else this.#deps.onNotice(notice);
  }

  async #serve(presence: Presence): Promise<void> {
    const signal = AbortSignal.any([presence.lost, this.#stopping.signal]);
    const wakeUp = (): void => this.wake();
    signal.addEventListener('abort', wakeUp);
    try {
      while (!signal.aborted) {
        this.#isWoken = false;
        const lookedAt = performance.now();
        const nextInMs = await this.#claimDue(presence, signal);
        await this.#sleep(Math.min(idleMs, nextInMs ?? idleMs));
        await delay(Math.max(0, lookedAt + pauseMs - performance.now()));
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      await Promise.allSettled([...this.#running.values()].flatMap((tasks) => [...tasks]));
    }
    if (!this.#stopping.signal.aborted) throw presence.lost.reason;
  }

  async #claimDue(presence: Presence, signal: AbortSignal): Promise<number | null> {
    const { work } = this.#deps;
    const { claims, nextInMs } = await work.claim(this.#room(), { instance: presence.instance, leaseMs });
    for (const { lane, ...claim } of claims) {
      const tasks = this.#running.get(lane) ?? new Set();
      this.#running.set(lane, tasks);
      const task = this.#work(claim, signal).finally(() => {
        tasks.delete(task);
        this.wake();
      });
      tasks.add(task);
    }
    return nextInMs;
  }

  #room(): Room {
    const { of, others } = this.#deps.limits();
    const lanes = new Set([...Object.keys(of), ...this.#running.keys()]);
    const left = (lane: string): number => (of[lane] ?? others) - (this.#running.get(lane)?.size ?? 0);
    return { of: Object.fromEntries([...lanes].map((lane) => [lane, Math.max(0, left(lane))])), others };
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
