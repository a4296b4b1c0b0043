import type { AccessUnit } from '../encoder/index.ts';

export type FrameStatistics = {
  readonly framesPerSecond: number;
  readonly sentKbps: number;
  /** Mean of grab, conversion and encoding of a frame. */
  readonly encodeMs: number;
};

/** Counts frames between two looks. */
export class SessionStatistics {
  #frames = 0;
  #bytes = 0;
  #encodeMs = 0;
  #sinceMs: number | undefined;
  #latest: FrameStatistics = { framesPerSecond: 0, sentKbps: 0, encodeMs: 0 };

  get latest(): FrameStatistics {
    return this.#latest;
  }

  count({ bytes, timing }: AccessUnit): void {
    this.#frames += 1;
    this.#bytes += bytes.length;
    this.#encodeMs += timing.grabMs + timing.convertMs + timing.encodeMs;
  }

  take(nowMs: number): FrameStatistics {
    const seconds = this.#sinceMs === undefined ? 1 : Math.max(0.001, (nowMs - this.#sinceMs) / 1_000);
    this.#latest = {
      framesPerSecond: Math.round((this.#frames / seconds) * 10) / 10,
      sentKbps: Math.round((this.#bytes * 8) / 1_000 / seconds),
      encodeMs: this.#frames === 0 ? 0 : Math.round((this.#encodeMs / this.#frames) * 10) / 10,
    };
    this.#sinceMs = nowMs;
    this.#frames = 0;
    this.#bytes = 0;
    this.#encodeMs = 0;
    return this.#latest;
  }
}
