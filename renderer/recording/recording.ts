import type { RecordingEnd } from '@medusa/protocol';
import { JournalWriter } from './journal.ts';

export type RecordedPicture = {
  /** An access unit in Annex B form. */
  readonly bytes: Uint8Array;
  /** 90 kHz, modulo 2^32. */
  readonly rtpTimestamp: number;
};

/** A session whose picture can be recorded: what it is shown in is encoded already. */
export interface Recordable {
  /** @throws AppError `node.unreachable` while there is no picture. */
  watchPictures(listener: (picture: RecordedPicture) => void): Disposable;
  requestKeyframe(): void;
}

type Options = {
  readonly journal: string;
  readonly mostBytes: number;
  readonly mostMs: number;
  /** It has ended by itself. */
  readonly ended: (reason: RecordingEnd) => void;
};

const ticksPerMs = 90;
const wrapTicks = 2 ** 32;
const tickMs = 1_000;
/** So far a player has to go back at most to find a place; while the picture rests nothing is asked for. */
const keyframeMs = 10_000;

/** One recording while it runs: the pictures go into a journal, as they come and when they came. */
export class Recording {
  readonly #options: Options;
  readonly #source: Recordable;
  readonly #journal: JournalWriter;
  readonly #stack = new DisposableStack();
  #pictures = 0;
  #ticks = 0;
  #rtpTimestamp = 0;
  /** On this machine's clock. */
  #beganAtMs = 0;
  #pictureAtMs = 0;
  #keyframeAtMs = 0;
  #closing: Promise<void> | undefined;

  constructor(source: Recordable, options: Options) {
    this.#options = options;
    this.#source = source;
    this.#journal = new JournalWriter(options.journal, () => options.ended('failed'));
    this.#stack.use(source.watchPictures((picture) => this.#take(picture)));
    const timer = setInterval(() => this.#tick(), tickMs);
    this.#stack.defer(() => clearInterval(timer));
    source.requestKeyframe();
  }

  get bytes(): number {
    return this.#journal.bytes;
  }

  get pictures(): number {
    return this.#pictures;
  }

  get durationMs(): number {
    return this.#pictures === 0 ? 0 : Math.round(performance.now() - this.#beganAtMs);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #take({ bytes, rtpTimestamp }: RecordedPicture): void {
    const isKeyframe = beginsAnew(bytes);
    const atMs = performance.now();
    if (this.#pictures === 0) {
      if (!isKeyframe) return;
      this.#beganAtMs = atMs;
    } else {
      // What comes again with an older time, as when an encoder was started anew, is shown after what was before.
      const since = (rtpTimestamp - this.#rtpTimestamp + wrapTicks) % wrapTicks;
      this.#ticks += since > 0 && since < wrapTicks / 2 ? since : 1;
    }
    this.#rtpTimestamp = rtpTimestamp;
    this.#pictureAtMs = atMs;
    if (isKeyframe) this.#keyframeAtMs = atMs;
    this.#pictures += 1;
    this.#journal.write({ ticks: this.#ticks, isKeyframe, bytes });
    if (this.#journal.bytes > this.#options.mostBytes) this.#options.ended('limit');
  }

  #tick(): void {
    if (this.#pictures === 0) {
      this.#source.requestKeyframe();
      return;
    }
    this.#mark();
    if (this.durationMs >= this.#options.mostMs) this.#options.ended('limit');
    const now = performance.now();
    const isMoving = this.#pictureAtMs > this.#keyframeAtMs;
    if (isMoving && now - this.#keyframeAtMs >= keyframeMs) this.#source.requestKeyframe();
  }

  /** How long the last picture has been seen by now. */
  #mark(): void {
    const ticks = this.#ticks + Math.round((performance.now() - this.#pictureAtMs) * ticksPerMs);
    this.#journal.write({ ticks, isKeyframe: false, bytes: new Uint8Array() });
  }

  async #close(): Promise<void> {
    this.#stack.dispose();
    if (this.#pictures > 0) this.#mark();
    await this.#journal.close();
  }
}

/** Before the first slice stands little: delimiters and parameter sets. */
const mostBytesBefore = 128;
const typeBits = 0x1f;
const sequenceParameterSet = 7;

/** Our encoders put the parameter sets before each keyframe, and nowhere else. */
function beginsAnew(picture: Uint8Array): boolean {
  const most = Math.min(mostBytesBefore, picture.length - 3);
  for (let at = 0; at < most; at += 1) {
    const isStart = picture[at] === 0 && picture[at + 1] === 0 && picture[at + 2] === 1;
    if (isStart && ((picture[at + 3] ?? 0) & typeBits) === sequenceParameterSet) return true;
  }
  return false;
}
