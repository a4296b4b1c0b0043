import { AppError } from '@medusa/protocol';
import { reportFault } from '../core/report.ts';

type Options = {
  /** Whether there is somebody to negotiate with, and something to negotiate for. */
  readonly isPossible: () => boolean;
  readonly isPathGood: () => boolean;
  /** @param isAnew what there is is of no use any more */
  readonly mend: (isAnew: boolean) => Promise<void>;
  /** Null: it worked. */
  readonly tell: (fault: unknown) => void;
};

const retryMs = 2_000;

/** When the way to the render node is mended: one attempt at a time, and again until one works. */
export class Mending {
  readonly #options: Options;
  #isAnew = true;
  #isBusy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The next one negotiates all anew. */
  beginAnew(): void {
    this.#isAnew = true;
  }

  /** It was negotiated anew. */
  begun(): void {
    this.#isAnew = false;
  }

  soon(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#mend().catch(reportFault);
    }, waitMs);
  }

  /** Until somebody asks for it again. */
  cancel(): void {
    clearTimeout(this.#timer);
  }

  async #mend(): Promise<void> {
    const { isPossible, isPathGood, mend, tell } = this.#options;
    if (this.#isBusy || !isPossible() || (!this.#isAnew && isPathGood())) return;
    this.#isBusy = true;
    try {
      await mend(this.#isAnew);
      tell(null);
    } catch (error) {
      if (wantsNewStart(error)) this.#isAnew = true;
      tell(error);
      // Without a link to the broker nothing can be asked; who is told that it is back calls again.
      this.soon(retryMs);
    } finally {
      this.#isBusy = false;
    }
  }
}

/** The render node forgot us, or refuses what we still have. Anything else may pass, and the picture with it. */
function wantsNewStart(error: unknown): boolean {
  return error instanceof AppError && ['stream.unknown', 'request.invalid'].includes(error.code);
}
