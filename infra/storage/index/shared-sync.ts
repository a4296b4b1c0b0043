import { closeSync, fdatasync, openSync } from 'node:fs';

/** Brings what is written to a file to the disk. Whoever asks while that is being done shares the next turn with all others. */
export class SharedSync implements Disposable {
  readonly #descriptor: number;
  #isDirty = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
  }

  /** Something was written. */
  written(): void {
    this.#isDirty = true;
  }

  /** Resolves when all that is written now is on the disk. @throws what the disk says, and then always */
  async synced(): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#running) return this.#isDirty ? this.#sync() : undefined;
    if (!this.#isDirty) return this.#next ?? this.#running;
    this.#next ??= this.#running.then(async () => {
      this.#next = undefined;
      return this.#sync();
    });
    return this.#next;
  }

  [Symbol.dispose](): void {
    this.#failure ??= new Error('The file is closed');
    if (!this.#running) closeSync(this.#descriptor);
  }

  async #sync(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#isDirty = false;
    this.#running = new Promise<void>((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => {
        this.#running = undefined;
        if (this.#failure) closeSync(this.#descriptor);
        // The system tells but once of a page that it could not write: from then on nothing can be believed.
        if (error) this.#failure ??= error;
        if (error) reject(error);
        else resolve();
      });
    });
    return this.#running;
  }
}
