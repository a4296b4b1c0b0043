export type WheelMove = {
  readonly deltaX: number;
  readonly deltaY: number;
  /** As in UI Events WheelEvent: 0 px, 1 lines, 2 pages. */
  readonly deltaMode: number;
};

/** Browsers tell one notch of a common mouse as about 100 px or 3 lines. */
const deltaPerNotch: Readonly<Record<number, number>> = { 0: 100, 1: 3, 2: 1 };

/** Adds up small wheel moves (touch pads) to whole notches. What is left over counts towards the next one. */
export class WheelNotches {
  #x = 0;
  #y = 0;

  add({ deltaX, deltaY, deltaMode }: WheelMove): { notchesX: number; notchesY: number } {
    const unit = deltaPerNotch[deltaMode] ?? 100;
    this.#x = accumulate(this.#x, deltaX / unit);
    this.#y = accumulate(this.#y, deltaY / unit);
    const notchesX = Math.trunc(this.#x);
    const notchesY = Math.trunc(this.#y);
    this.#x -= notchesX;
    this.#y -= notchesY;
    return { notchesX, notchesY };
  }

  reset(): void {
    this.#x = 0;
    this.#y = 0;
  }
}

/** A turn the other way begins anew: the rest of the old direction must not eat the first notch of the new one. */
function accumulate(rest: number, added: number): number {
  return rest * added < 0 ? added : rest + added;
}
