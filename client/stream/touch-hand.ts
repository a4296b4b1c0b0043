import type { Point } from './display-mapping.ts';
import { WheelNotches } from './wheel-notches.ts';
import type { UnsentInput } from './picture.ts';

type Options = {
  readonly send: (event: UnsentInput, at: number) => void;
  readonly toDisplay: (place: Point) => Point;
};
type Two = {
  readonly kind: 'two';
  readonly start: Pair;
  last: Pair;
  /** Undefined until the fingers have shown what they want. */
  mode: 'scroll' | 'pinch' | undefined;
};
type State =
  | { readonly kind: 'none' }
  /** One finger that has not moved: a tap, or it becomes something else. */
  | { readonly kind: 'resting'; readonly start: Point; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly kind: 'drawing'; readonly button: number }
  | Two
  /** What these fingers did is done: they have to leave first. */
  | { readonly kind: 'spent' };
type Pair = { readonly centre: Point; readonly apartPx: number };
type Turn = { readonly deltaX: number; readonly deltaY: number; readonly withControl: boolean };

const [leftButton, rightButton] = [1, 3];
const controlKeysym = 0xffe3;
/** A finger that rests moves by some px nevertheless. */
const slackPx = 9;
const pinchPx = 22;
const longMs = 500;
/** Of what the fingers go, so that a swipe over a tablet goes through some tens of slices. */
const wheelPerPx = 2.5;
/** One notch of the wheel for each tenth that the fingers spread. */
const notchRatio = 1.1;
const notchDelta = 100;

/**
 * Fingers as a mouse: one presses the left button and draws, one that has rested does so with the right button, two turn the wheel, and a
 * pinch turns it with Ctrl.
 */
export class TouchHand {
  readonly #options: Options;
  readonly #fingers = new Map<number, Point>();
  readonly #wheel = new WheelNotches();
  #state: State = { kind: 'none' };
  /** Where the left button went down, or the last finger was. */
  #place: Point = { x: 0, y: 0 };

  constructor(options: Options) {
    this.#options = options;
  }

  down(id: number, place: Point, at: number): void {
    this.#fingers.set(id, place);
    const [first, second, third] = this.#fingers.values();
    if (third || this.#state.kind === 'spent') this.#end('spent', at);
    else if (second && first) this.#begin(pairOf(first, second), at);
    else {
      this.#place = place;
      const timer = setTimeout(() => this.#press(rightButton, performance.now()), longMs);
      this.#state = { kind: 'resting', start: place, timer };
    }
  }

  move(id: number, place: Point, at: number): void {
    if (!this.#fingers.has(id)) return;
    this.#fingers.set(id, place);
    const state = this.#state;
    if (state.kind === 'resting' && distance(state.start, place) > slackPx) {
      clearTimeout(state.timer);
      this.#press(leftButton, at);
    }
    if (this.#state.kind === 'drawing') this.#draw(place, at);
    const [first, second] = this.#fingers.values();
    if (state.kind === 'two' && first && second) this.#turn(state, pairOf(first, second), at);
  }

  up(id: number, at: number): void {
    if (!this.#fingers.delete(id)) return;
    const isLast = this.#fingers.size === 0;
    if (this.#state.kind === 'resting') {
      clearTimeout(this.#state.timer);
      this.#press(leftButton, at);
    }
    this.#end(isLast ? 'none' : 'spent', at);
  }

  /** The fingers are the system's now, or nobody's. */
  cancel(at: number): void {
    this.#fingers.clear();
    this.#end('none', at);
  }

  #draw(place: Point, at: number): void {
    this.#place = place;
    this.#options.send({ kind: 'move', ...this.#options.toDisplay(place) }, at);
  }

  #begin(start: Pair, at: number): void {
    this.#end('none', at);
    this.#wheel.reset();
    this.#state = { kind: 'two', start, last: start, mode: undefined };
  }

  #turn(two: Two, pair: Pair, at: number): void {
    two.mode ??= modeOf(two.start, pair);
    if (two.mode === undefined) return;
    const { last } = two;
    two.last = pair;
    if (two.mode === 'scroll') {
      const deltaX = (last.centre.x - pair.centre.x) * wheelPerPx;
      const deltaY = (last.centre.y - pair.centre.y) * wheelPerPx;
      this.#wheelTo(two.start.centre, { deltaX, deltaY, withControl: false }, at);
    } else {
      const notches = Math.log(last.apartPx / pair.apartPx) / Math.log(notchRatio);
      this.#wheelTo(two.start.centre, { deltaX: 0, deltaY: notches * notchDelta, withControl: true }, at);
    }
  }

  #wheelTo(centre: Point, { deltaX, deltaY, withControl }: Turn, at: number): void {
    const notches = this.#wheel.add({ deltaX, deltaY, deltaMode: 0 });
    if (notches.notchesX === 0 && notches.notchesY === 0) return;
    const { send, toDisplay } = this.#options;
    const control = (isDown: boolean): void => send({ kind: 'key', keysym: controlKeysym, isDown }, at);
    if (withControl) control(true);
    send({ kind: 'wheel', ...toDisplay(centre), ...notches }, at);
    if (withControl) control(false);
  }

  #press(button: number, at: number): void {
    this.#button(button, true, at);
    this.#state = { kind: 'drawing', button };
  }

  /** Lets up what is down. */
  #end(kind: 'none' | 'spent', at: number): void {
    if (this.#state.kind === 'resting') clearTimeout(this.#state.timer);
    if (this.#state.kind === 'drawing') this.#button(this.#state.button, false, at);
    this.#state = { kind };
  }

  #button(button: number, isDown: boolean, at: number): void {
    const { send, toDisplay } = this.#options;
    send({ kind: 'button', ...toDisplay(this.#place), button, isDown }, at);
  }
}

function modeOf(start: Pair, now: Pair): Two['mode'] {
  if (Math.abs(now.apartPx - start.apartPx) > pinchPx) return 'pinch';
  return distance(start.centre, now.centre) > slackPx ? 'scroll' : undefined;
}

function pairOf(first: Point, second: Point): Pair {
  const centre = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
  return { centre, apartPx: Math.max(1, distance(first, second)) };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
