import type { NodeId, SessionId, ViewState } from '@medusa/protocol';

/** What a session showed, as a node or a viewer told it. */
type ToldView = {
  readonly sessionId: SessionId;
  readonly incarnation: number;
  /** Null: a viewer said it. */
  readonly nodeId: NodeId | null;
  readonly view: ViewState;
};

/** Where the latest view of each live session is kept. Patient-related: it goes with its session. */
export interface SessionViewStore {
  /** Writes what is newer than what is there, of sessions that live and by those who run them; leaves out all else. */
  save(told: readonly ToldView[]): Promise<void>;
  find(id: SessionId): Promise<ViewState | undefined>;
  remove(id: SessionId): Promise<void>;
  /** Of sessions that ended while no broker looked. */
  removeEnded(): Promise<void>;
}

const pauseMs = 1_000;

/**
 * What each session shows, so that another node can show just the same. While it changes it is written once a second, the sessions of a
 * broker together; what a broker takes with it when it is killed is that last second.
 */
export class SessionViews implements AsyncDisposable {
  readonly #store: SessionViewStore;
  readonly #report: (error: unknown) => void;
  #waiting = new Map<SessionId, ToldView>();
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: SessionViewStore, report: (error: unknown) => void) {
    this.#store = store;
    this.#report = report;
  }

  /** Costs nothing now: it is written with the next ones. */
  told(told: ToldView): void {
    // What is not ready yet is not worth going back to.
    if (!told.view.ready) return;
    this.#waiting.set(told.sessionId, told);
    this.#timer ??= setTimeout(() => void this.#write(), pauseMs);
  }

  async latest(id: SessionId): Promise<ViewState | undefined> {
    await this.#write();
    return this.#store.find(id);
  }

  async forget(id: SessionId): Promise<void> {
    this.#waiting.delete(id);
    await this.#writing;
    await this.#store.remove(id);
  }

  async restore(): Promise<void> {
    await this.#store.removeEnded();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write();
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const told = [...this.#waiting.values()];
    this.#waiting = new Map();
    if (told.length > 0)
      this.#writing = this.#writing.then(async () => this.#store.save(told)).catch(this.#report);
    await this.#writing;
  }
}
