import type { FrameLatency } from '@medusa/protocol';
import type { LatencySample } from './latency-matcher.ts';

type Kept = { readonly shownAt: number; readonly latencyMs: number };

type Options = {
  /** The page's clock, ms. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly tell: (samples: readonly FrameLatency[]) => Promise<unknown>;
};

const slotMs = 10_000;
const batchMs = 60_000;

/**
 * Of the pictures that followed an input one in ten seconds, each with the same chance, so that the fast ones are not preferred; told once
 * a minute. What could not be told is not told later: it is one sample of many.
 */
export class FrameReporter {
  readonly #options: Options;
  #slot = -1;
  #seen = 0;
  #chosen: Kept | undefined;
  #kept: Kept[] = [];
  #toldAt: number;

  constructor(options: Options) {
    this.#options = options;
    this.#toldAt = options.now();
  }

  /** Those that came since the last call. */
  take(samples: readonly LatencySample[]): void {
    for (const { shownAt, totalMs: latencyMs } of samples) {
      const slot = Math.floor(shownAt / slotMs);
      if (slot !== this.#slot) this.#begin(slot);
      this.#seen += 1;
      // Reservoir of one: the n-th takes the place with a chance of 1 in n.
      if (this.#options.random() * this.#seen < 1) this.#chosen = { shownAt, latencyMs };
    }
    if (this.#options.now() - this.#toldAt >= batchMs) this.#tell();
  }

  #begin(slot: number): void {
    if (this.#chosen) this.#kept.push(this.#chosen);
    this.#chosen = undefined;
    this.#slot = slot;
    this.#seen = 0;
  }

  #tell(): void {
    const now = this.#options.now();
    this.#toldAt = now;
    const samples = this.#kept
      .slice(-30)
      .map(({ shownAt, latencyMs }) => ({ agoMs: Math.max(0, now - shownAt), latencyMs }))
      .filter(({ agoMs, latencyMs }) => agoMs <= 300_000 && latencyMs <= 60_000);
    this.#kept = [];
    if (samples.length > 0) this.#options.tell(samples).catch(() => undefined);
  }
}
