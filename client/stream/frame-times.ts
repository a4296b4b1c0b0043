/** A frame that was handed to the browser to be shown at a time of its own. */
type TimedFrame = {
  readonly mediaUs: number;
  readonly rtpTimestamp: number;
  /** When all of it was there, on the page's clock. */
  readonly receivedAt: number;
};

const keptFrames = 120;
/** Browsers round times of media. */
const mostApartUs = 500;

/** Finds out which frame it is that a browser shows, by the time that the frame was given. */
export class FrameTimes {
  readonly #frames: TimedFrame[] = [];

  note(frame: TimedFrame): void {
    this.#frames.push(frame);
    if (this.#frames.length > keptFrames) this.#frames.shift();
  }

  /** Of browsers that tell another time than they were given it is the latest: there is never more than one on its way. */
  at(mediaSeconds: number): TimedFrame | undefined {
    const wantedUs = mediaSeconds * 1e6;
    const found = this.#frames.findLast(({ mediaUs }) => Math.abs(mediaUs - wantedUs) <= mostApartUs);
    return found ?? this.#frames.at(-1);
  }
}
