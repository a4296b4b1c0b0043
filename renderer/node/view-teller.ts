import type { NodeViewTold, SessionId } from '@medusa/protocol';

const pauseMs = 500;

/**
 * Tells the broker what the sessions show: at once, and while it goes on changing at most twice a second, the latest alone. Nothing waits
 * for an answer; after a break of the link `repeat` tells the latest of each once more.
 */
export class ViewTeller implements Disposable {
  readonly #tell: (told: NodeViewTold) => void;
  readonly #latest = new Map<SessionId, NodeViewTold>();
  readonly #resting = new Map<SessionId, NodeJS.Timeout>();

  constructor(tell: (told: NodeViewTold) => void) {
    this.#tell = tell;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
  }

  changed(told: NodeViewTold): void {
    this.#latest.set(told.sessionId, told);
    if (!this.#resting.has(told.sessionId)) this.#tellNow(told);
  }

  /** Its session is over. */
  forget(sessionId: SessionId): void {
    clearTimeout(this.#resting.get(sessionId));
    this.#resting.delete(sessionId);
    this.#latest.delete(sessionId);
  }

  repeat(): void {
    for (const told of this.#latest.values()) this.#tell(told);
  }

  #tellNow(told: NodeViewTold): void {
    this.#tell(told);
    const rested = (): void => {
      this.#resting.delete(told.sessionId);
      const latest = this.#latest.get(told.sessionId);
      if (latest && latest !== told) this.#tellNow(latest);
    };
    this.#resting.set(told.sessionId, setTimeout(rested, pauseMs));
  }
}
