import type { types } from 'mediasoup';
import { frameBegin, type FrameTaken } from '@medusa/protocol';
import type { OutgoingFrame } from './outgoing-frame.ts';
import { rateLimits } from './path-rate.ts';

type Channel = Pick<types.DataConsumer, 'send' | 'closed'>;
type InFlight = {
  readonly rtpTimestamp: number;
  readonly isKeyframe: boolean;
  /** When the path should have carried its bytes. */
  readonly carriedMs: number;
};
type Options = {
  /** A keyframe of the layer that is offered. */
  readonly wantKeyframe: () => void;
  /** What the path carries, as far as known. */
  readonly kbps: () => number | undefined;
};

/** Frames that may be under way for longer than the path itself takes to carry and to answer them. */
const mostBehind = 2;
/** Nobody has frames under way for longer by saying that its path is long, or poor. */
const longest = { roundTripMs: 250, carriedMs: 250 } as const;
/** The channel of a new consumer opens a moment after it was made; until then it takes nothing. */
const retryMs = 50;
/** A keyframe costs all who see the same layer: whoever falls behind again and again gets them ever more seldom. */
const keyframeInterval = { leastMs: 500, mostMs: 8_000, forgottenAfterMs: 10_000 } as const;

/**
 * Frames to one participant on its data channel. Each frame builds upon the one before, so none can be left out: who is too far behind
 * gets nothing more until it has taken all that is under way, and then goes on with a keyframe. So no frame waits for more than one other.
 */
export class FrameSender {
  readonly #channel: Channel;
  readonly #options: Options;
  #inFlight: InFlight[] = [];
  #isOpen = false;
  #isClosed = false;
  #needsKeyframe = true;
  #roundTripMs = 0;
  #intervalMs: number = keyframeInterval.leastMs;
  #fellBehindMs = -Infinity;
  #askedMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, options: Options) {
    this.#channel = channel;
    this.#options = options;
    this.#open();
  }

  /** What will be offered from now on does not build upon what was. */
  startAnew(): void {
    this.#needsKeyframe = true;
    this.#askedMs = -Infinity;
    this.#ask();
  }

  /** @returns whether it is on its way. */
  offer(frame: OutgoingFrame): boolean {
    if (this.#isClosed || !this.#isOpen || (this.#needsKeyframe && !frame.isKeyframe)) return false;
    if (this.#isBehind(frame.atMs)) {
      if (!this.#needsKeyframe) this.#fallBehind(frame.atMs);
      return false;
    }
    this.#needsKeyframe = false;
    const { rtpTimestamp, isKeyframe } = frame;
    const sent: InFlight = { rtpTimestamp, isKeyframe, carriedMs: this.#whenCarried(frame) };
    this.#inFlight.push(sent);
    for (const message of frame.messages())
      this.#channel.send(message).catch(() => {
        // All that follows builds upon it.
        if (this.#inFlight.includes(sent)) this.#loseAll();
      });
    return true;
  }

  heed({ rtpTimestamp, needsKeyframe, roundTripMs }: FrameTaken): void {
    const taken = this.#inFlight.findIndex((sent) => sent.rtpTimestamp === rtpTimestamp);
    this.#inFlight.splice(0, taken + 1);
    this.#roundTripMs = Math.min(longest.roundTripMs, roundTripMs);
    // One that is under way already will do.
    if (needsKeyframe && !this.#inFlight.some(({ isKeyframe }) => isKeyframe)) this.#needsKeyframe = true;
    this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #open(): void {
    this.#channel.send(Buffer.from(frameBegin)).then(
      () => {
        this.#isOpen = true;
        this.#ask();
      },
      () => {
        if (!this.#isClosed && !this.#channel.closed) this.#timer = setTimeout(() => this.#open(), retryMs);
      },
    );
  }

  #isBehind(nowMs: number): boolean {
    const late = this.#inFlight.filter(({ carriedMs }) => nowMs - carriedMs >= this.#roundTripMs);
    return late.length >= mostBehind;
  }

  /** A keyframe takes a narrow path several frames' turns: who gets it is not behind for that. */
  #whenCarried({ byteLength, atMs }: OutgoingFrame): number {
    const beginMs = Math.max(atMs, this.#inFlight.at(-1)?.carriedMs ?? 0);
    const tookMs = (byteLength * 8) / (this.#options.kbps() ?? rateLimits.firstKbps);
    return Math.min(beginMs + tookMs, atMs + longest.carriedMs);
  }

  #fallBehind(nowMs: number): void {
    const isAgain = nowMs - this.#fellBehindMs < keyframeInterval.forgottenAfterMs;
    this.#intervalMs = isAgain
      ? Math.min(keyframeInterval.mostMs, this.#intervalMs * 2)
      : keyframeInterval.leastMs;
    this.#fellBehindMs = nowMs;
    this.#needsKeyframe = true;
  }

  #loseAll(): void {
    this.#inFlight = [];
    this.#needsKeyframe = true;
    this.#ask();
  }

  /** Again and again until it came, but not while frames are under way: those it would have to wait for. */
  #ask(): void {
    if (this.#isClosed || !this.#isOpen || !this.#needsKeyframe || this.#inFlight.length > 0) return;
    const now = performance.now();
    const waitMs = this.#askedMs + this.#intervalMs - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), waitMs > 0 ? waitMs : this.#intervalMs);
    if (waitMs > 0) return;
    this.#askedMs = now;
    this.#options.wantKeyframe();
  }
}
