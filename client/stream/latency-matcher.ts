/** One input and the first picture shown after it. Times are ms; `sentAt` and `shownAt` on the page's own clock. */
export type LatencySample = {
  readonly inputSequence: number;
  readonly sentAt: number;
  readonly shownAt: number;
  /** From the input to the picture on screen. */
  readonly totalMs: number;
  /** On the render node: from injection to grab, the grab, the encoding. */
  readonly waitMs: number;
  readonly grabMs: number;
  readonly encodeMs: number;
};

export type FrameNote = {
  readonly rtpTimestamp: number;
  readonly inputSequence: number;
  readonly waitMs: number;
  readonly grabMs: number;
  readonly encodeMs: number;
};

const keptInputs = 1_000;
const keptFrames = 120;

/** True if RTP timestamp `a` is not before `b`; RFC 3550 §5.1: 32 bit that wrap around. */
export function isAtOrAfter(a: number, b: number): boolean {
  return (a - b) >>> 0 < 0x80000000;
}

/**
 * Joins three tellings of the same frame that arrive in any order: the input that was sent (by its sequence number),
 * the render node's note which frame first follows that input, and the browser's word that a frame is on screen.
 * A frame that the browser dropped counts as shown when the next one is.
 */
export class LatencyMatcher {
  readonly #sentAt = new Map<number, number>();
  readonly #shown: { readonly rtpTimestamp: number; readonly at: number }[] = [];
  #pending: FrameNote[] = [];

  sent(sequence: number, at: number): void {
    this.#sentAt.set(sequence, at);
    const [oldest] = this.#sentAt.keys();
    if (this.#sentAt.size > keptInputs && oldest !== undefined) this.#sentAt.delete(oldest);
  }

  noted(note: FrameNote): LatencySample | undefined {
    const frame = this.#shown.find(({ rtpTimestamp }) => isAtOrAfter(rtpTimestamp, note.rtpTimestamp));
    if (frame) return this.#sample(note, frame.at);
    this.#pending = [...this.#pending.slice(-keptFrames), note];
    return undefined;
  }

  shown(rtpTimestamp: number, at: number): readonly LatencySample[] {
    this.#shown.push({ rtpTimestamp, at });
    if (this.#shown.length > keptFrames) this.#shown.shift();
    const due = this.#pending.filter((note) => isAtOrAfter(rtpTimestamp, note.rtpTimestamp));
    this.#pending = this.#pending.filter((note) => !due.includes(note));
    return due.flatMap((note) => this.#sample(note, at) ?? []);
  }

  /** A new stream has another clock. */
  reset(): void {
    this.#shown.length = 0;
    this.#pending = [];
  }

  #sample(note: FrameNote, shownAt: number): LatencySample | undefined {
    const sentAt = this.#sentAt.get(note.inputSequence);
    if (sentAt === undefined) return undefined;
    this.#sentAt.delete(note.inputSequence);
    const { inputSequence, waitMs, grabMs, encodeMs } = note;
    return { inputSequence, sentAt, shownAt, totalMs: shownAt - sentAt, waitMs, grabMs, encodeMs };
  }
}
