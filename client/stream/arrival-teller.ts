import { encodeArrivals, type FrameArrival } from '@medusa/protocol';

/** What a browser says of a frame that it shows (`requestVideoFrameCallback`); times of the page's clock in ms. */
export type ShownFrame = {
  readonly rtpTimestamp: number;
  /** When its last packet came. */
  readonly receivedAt: number;
  /** How many were handed to the compositor so far, this one included. */
  readonly presentedFrames: number;
};

const intervalMs = 100;

/** Tells the render node which frames came when, so that it knows what the path carries. Nothing is told while nothing comes. */
export class ArrivalTeller implements Disposable {
  readonly #send: (message: Uint8Array<ArrayBuffer>) => void;
  #arrivals: FrameArrival[] = [];
  #presented: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (message: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  take({ rtpTimestamp, receivedAt, presentedFrames }: ShownFrame): void {
    const untold = this.#presented === undefined ? 0 : presentedFrames - this.#presented - 1;
    this.#presented = presentedFrames;
    this.#arrivals.push({ rtpTimestamp, atMs: receivedAt, untold: Math.max(0, untold) });
    this.#timer ??= setTimeout(() => this.#tell(), intervalMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#timer = undefined;
    this.#send(encodeArrivals(this.#arrivals));
    this.#arrivals = [];
  }
}
