import type { Size } from './display-mapping.ts';

/** Frames come in the display's own size, or smaller by one of these to whom the path carries less. */
const layerDivisors = [1, 2, 3];
/** Layers have even sizes. */
const roundingPx = 2;
/** Whatever is wrong then, an old picture is worse. */
const mostCoveredMs = 3_000;

type Options = {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
  /** What the display is changing to, and what it was told to be at last. */
  readonly resizingTo: () => Size | null;
  readonly displaySize: () => Size | null;
};

/** The last picture, laid over the video as long as that has none that may be seen: none yet, or one of a display half changed. */
export class PictureCover {
  readonly #options: Options;
  /** Lifted by the first frame of all, or by one of the display's size. */
  #waitsFor: 'frame' | 'size' | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  lay(waitsFor: 'frame' | 'size'): void {
    const { video, canvas } = this.#options;
    // What is laid already is whole; the video behind it need not be.
    if (this.#waitsFor === undefined && video.videoWidth > 0) {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext('2d')?.drawImage(video, 0, 0);
    }
    this.#waitsFor = waitsFor;
    canvas.hidden = false;
    clearTimeout(this.#timer);
    if (waitsFor === 'size') this.#timer = setTimeout(() => this.#lift(), mostCoveredMs);
  }

  frameShown(frame: Size): void {
    if (this.#waitsFor === undefined) return;
    const { resizingTo, displaySize } = this.#options;
    const display = displaySize();
    const isWhole = resizingTo() === null && (!display || isOfSize(frame, display));
    if (this.#waitsFor === 'frame' || isWhole) this.#lift();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lift(): void {
    this.#waitsFor = undefined;
    clearTimeout(this.#timer);
    this.#options.canvas.hidden = true;
  }
}

/** True of a frame that shows all of a display of this size. */
export function isOfSize(frame: Size, display: Size): boolean {
  return layerDivisors.some(
    (divisor) =>
      Math.abs(frame.width - display.width / divisor) <= roundingPx &&
      Math.abs(frame.height - display.height / divisor) <= roundingPx,
  );
}
