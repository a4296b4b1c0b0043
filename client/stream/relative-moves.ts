import type { Point } from './display-mapping.ts';
import type { UnsentInput } from './picture.ts';

type Options = {
  readonly send: (event: UnsentInput, at: number) => void;
  /** Of the display, for one px of this page. */
  readonly scale: () => number;
};

/** A hand goes no further within one frame, and no message holds more. */
const mostPx = 0x7fff;

/** Ways of the mouse, added up and told at most once per animation frame, in whole px of the display: no part of them is lost. */
export class RelativeMoves {
  readonly #options: Options;
  #way: Point = { x: 0, y: 0 };
  #isWaiting = false;

  constructor(options: Options) {
    this.#options = options;
  }

  add(movement: Point): void {
    const scale = this.#options.scale();
    this.#way = { x: this.#way.x + movement.x * scale, y: this.#way.y + movement.y * scale };
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    requestAnimationFrame((at) => {
      this.#isWaiting = false;
      this.flush(at);
    });
  }

  /** Before anything that happens where the pointer has come to. */
  flush(at: number): void {
    const [dx, dy] = [bounded(Math.trunc(this.#way.x)), bounded(Math.trunc(this.#way.y))];
    if (dx === 0 && dy === 0) return;
    this.#way = { x: this.#way.x - dx, y: this.#way.y - dy };
    this.#options.send({ kind: 'move-by', dx, dy }, at);
  }

  reset(): void {
    this.#way = { x: 0, y: 0 };
  }
}

function bounded(px: number): number {
  return Math.max(-mostPx, Math.min(mostPx, px));
}
