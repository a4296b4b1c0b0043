import { AppError, decodeStill, type StillSize, type StillTile, type StillWhole } from '@medusa/protocol';
import { reportFault } from '../core/report.ts';
import { Store } from '../core/store.ts';
import { isModifier } from './keysym.ts';
import { isAtOrAfter } from './latency-matcher.ts';
import type { StillSurface } from './still-surface.ts';
import { decodeTile } from './still-tile.ts';

/**
 * `moving`: the video shows something newer than the last still, or an input may have changed it. `refining`: the still of a resting picture
 * is coming. `verified`: all its pixels are there and have the hash that the render node told; they are shown. `mismatch`: they have not; the
 * video is shown, and the still is asked for anew. `lossy`: the picture rests, and no still comes.
 */
export type PixelState = 'moving' | 'refining' | 'verified' | 'mismatch' | 'lossy';

type Options = {
  readonly surface: StillSurface;
  /** Asks the render node for the whole still once more. */
  readonly askAnew: () => Promise<unknown>;
};
type Input = { readonly kind: string; readonly isDown?: boolean; readonly keysym?: number };

const modifiers = ['Shift', 'Control', 'Meta'] as const;
/** An input that changes nothing is over after this long. */
const answerMs = 300;
/** A picture that rests for so long without a still gets none, or over a link on which it takes long. */
const patienceMs = 2_000;
/** Tiles that come so soon after a frame are of a picture that is over already. */
const staleMs = 40;
/** The render node sends nobody the whole still more often than once a second. */
const askAgainMs = 1_200;
/** If it is not to be mended, it is not asked for for ever. */
const mostAsks = 3;

/** The lossless still that lies over the resting video, and the proof that it is what the render node has. */
export class StillPicture {
  readonly state = new Store<PixelState>('moving');
  /** How many stills were found to differ from what was sent. */
  readonly mismatches = new Store(0);
  /** Device px of the page to a pixel of the picture. */
  readonly scale = new Store(1);
  readonly #surface: StillSurface;
  readonly #askAnew: Options['askAnew'];
  #size: StillSize | undefined;
  #whole: StillWhole | undefined;
  #proof: 'awaited' | 'equal' | 'different' = 'awaited';
  #hasNewTiles = false;
  /** Since the last still that was equal. */
  #asks = 0;
  #shownTimestamp: number | undefined;
  #lastFrameAt = -Infinity;
  #isAwaitingAnswer = false;
  #isPressed = false;
  /** Grows when the stream is made anew: what is of the old one is not drawn. */
  #epoch = 0;
  #work: Promise<void> = Promise.resolve();
  #answerTimer: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #askTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ surface, askAnew }: Options) {
    this.#surface = surface;
    this.#askAnew = askAnew;
    this.#settle();
  }

  /** SHA-256 of the picture (RGBA), in hexadecimal digits, while it is verified. */
  get provenHash(): string | undefined {
    if (this.state.get() !== 'verified' || !this.#whole) return undefined;
    return Array.from(this.#whole.sha256, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** One message of the channel, in the order of their coming. */
  take(bytes: Uint8Array<ArrayBuffer>): void {
    const message = decodeStill(bytes);
    if (!message) {
      reportFault(new AppError('request.invalid', 'A message of a still cannot be read'));
      return;
    }
    const epoch = this.#epoch;
    if (message.kind === 'whole') {
      this.#then(epoch, async () => this.#takeWhole(message));
      return;
    }
    const decoding = decodeTile(message);
    // Awaited below, in its turn.
    decoding.catch(() => undefined);
    this.#then(epoch, async () => {
      const pixels = await decoding;
      if (epoch === this.#epoch) this.#draw(message, pixels);
    });
  }

  /** Called for each frame of the video that the browser put on screen. */
  frameShown(rtpTimestamp: number): void {
    this.#shownTimestamp = rtpTimestamp;
    if (this.#isCovered()) return;
    this.#lastFrameAt = performance.now();
    this.#hasNewTiles = false;
    this.#answered();
    this.#settle();
  }

  /**
   * The still makes way for the answer, which else would wait behind it for the page's next turn. Moves of the bare pointer change
   * little, and seldom; so do Shift, Ctrl and Meta by themselves.
   */
  inputSent(input: Input): void {
    const { kind, isDown } = input;
    if (kind === 'button') this.#isPressed = isDown === true;
    if (kind === 'release-all') this.#isPressed = false;
    if (!this.#whole || changesLittle(input, this.#isPressed)) return;
    this.#isAwaitingAnswer = true;
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(() => {
      this.#answered();
      this.#settle();
    }, answerMs);
    this.#settle();
  }

  /** Compares what is on the canvas now with what the render node told, once more. */
  check(): void {
    const whole = this.#whole;
    if (!whole || this.#hasNewTiles) return;
    this.#then(this.#epoch, async () => {
      if (whole === this.#whole && !this.#hasNewTiles) await this.#prove(whole);
    });
  }

  /** The stream is made anew: with another clock, and stills from the beginning. */
  reset(): void {
    this.#epoch += 1;
    this.#asks = 0;
    this.#whole = undefined;
    this.#size = undefined;
    this.#shownTimestamp = undefined;
    this.#hasNewTiles = false;
    this.#settle();
  }

  close(): void {
    this.reset();
    clearTimeout(this.#answerTimer);
    clearTimeout(this.#patience);
    clearTimeout(this.#askTimer);
  }

  #then(epoch: number, work: () => Promise<void>): void {
    this.#work = this.#work
      .then(async () => {
        if (epoch === this.#epoch) await work();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #answered(): void {
    this.#isAwaitingAnswer = false;
    clearTimeout(this.#answerTimer);
  }

  #draw(tile: StillTile, pixels: Uint8ClampedArray<ArrayBuffer>): void {
    const { widthPx, heightPx } = tile.picture;
    this.#hasNewTiles = true;
    // Before anything is drawn: nobody sees a picture that is half new.
    this.#settle();
    if (this.#size?.widthPx !== widthPx || this.#size.heightPx !== heightPx)
      this.#surface.resize(tile.picture);
    this.#size = tile.picture;
    this.#surface.draw(tile, pixels);
  }

  async #takeWhole(whole: StillWhole): Promise<void> {
    const isKnown = this.#whole?.generation === whole.generation && !this.#hasNewTiles;
    this.#whole = whole;
    this.#hasNewTiles = false;
    if (isKnown && this.#proof === 'equal') {
      this.#settle();
      return;
    }
    this.#proof = 'awaited';
    this.#answered();
    await this.#prove(whole);
  }

  async #prove(whole: StillWhole): Promise<void> {
    const epoch = this.#epoch;
    this.#settle();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', this.#surface.read()));
    if (epoch !== this.#epoch) return;
    const isEqual = digest.every((byte, index) => byte === whole.sha256[index]);
    this.#proof = isEqual ? 'equal' : 'different';
    this.#settle();
    if (isEqual) this.#asks = 0;
    else this.#fail(new AppError('request.invalid', 'A still is not the picture that the render node has'));
  }

  /** Until all has come anew, every still has the same fault: it counts once. */
  #fail(error: unknown): void {
    this.#proof = 'different';
    if (this.#asks === 0) {
      reportFault(error);
      this.mismatches.update((count) => count + 1);
      this.#ask();
    }
    this.#settle();
  }

  #ask(): void {
    if (this.#asks >= mostAsks) return;
    this.#asks += 1;
    this.#askAnew().catch(reportFault);
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      if (this.#proof === 'different' && this.#asks > 0) this.#ask();
    }, askAgainMs);
  }

  /** Nothing newer than the still is on screen. */
  #isCovered(): boolean {
    if (!this.#whole) return false;
    return this.#shownTimestamp === undefined || isAtOrAfter(this.#whole.rtpTimestamp, this.#shownTimestamp);
  }

  #settle(): void {
    const state = this.#present();
    this.#surface.show(state === 'verified');
    this.state.set(state);
    clearTimeout(this.#patience);
    if (state === 'moving')
      this.#patience = setTimeout(() => {
        if (this.state.get() === 'moving') this.state.set('lossy');
      }, patienceMs);
  }

  #present(): PixelState {
    const isStale = performance.now() - this.#lastFrameAt < staleMs;
    if (this.#hasNewTiles) return isStale ? 'moving' : 'refining';
    if (this.#isAwaitingAnswer || !this.#isCovered()) return 'moving';
    if (this.#proof === 'awaited') return 'refining';
    return this.#proof === 'equal' ? 'verified' : 'mismatch';
  }
}

function changesLittle({ kind, keysym }: Input, isPressed: boolean): boolean {
  if (kind === 'move') return !isPressed;
  if (kind === 'key') return keysym !== undefined && modifiers.some((name) => isModifier(keysym, name));
  return kind === 'resize' || kind === 'release-all';
}
