import { promisify } from 'node:util';
import type { Xtest } from 'x11';
import { assertNever } from '@medusa/kernel';
import { inPlace, type InputEvent } from '@medusa/protocol';
import { type DisplayAddress, XConnection } from '../display/index.ts';
import { isLock, isShift, KeyboardMap } from './keyboard-map.ts';

type PointerOrKey = Exclude<InputEvent, { kind: 'resize' }>;

/** A wheel message tells the notches since the last one; more than this at once is no hand's work. */
const mostNotches = 100;
/** A program looks a keycode up some time after it was pressed: lent to another character by then, it would write that one. */
const lookUpMs = 400;
/** And it reads the keyboard map some time after it was told of a change: pressed before, a keycode would write what it was before. */
const readMapMs = 120;
/** Of a text that comes faster than it can be written. */
const mostWaiting = 4_000;
const now = 0;

/** Presses keys and buttons and moves the pointer of one display (XTEST), for one person at a time. */
export class InputInjector implements AsyncDisposable {
  readonly #connection: XConnection;
  readonly #xtest: Xtest;
  readonly #keyboard: KeyboardMap;
  readonly #pressedKeys = new Map<number, number>();
  readonly #pressedButtons = new Set<number>();
  /** When each keycode that is lent may be lent to another character. */
  readonly #freeAtMs = new Map<number, number>();
  readonly #waiting: Exclude<PointerOrKey, { kind: 'move' }>[] = [];
  #waitTimer: NodeJS.Timeout | undefined;
  #pendingMove: { x: number; y: number } | undefined;
  #latestSequence: number | undefined;

  static async open(address: DisplayAddress, report: (error: unknown) => void): Promise<InputInjector> {
    const connection = await XConnection.open(address, { report });
    const { client, keycodes } = connection;
    const count = keycodes.last - keycodes.first + 1;
    const rows = await promisify(client.GetKeyboardMapping.bind(client))(keycodes.first, count);
    // The user's keyboard repeats by itself; two repeaters with a network between them run away.
    client.ChangeKeyboardControl({ autoRepeatMode: 0 });
    const keyboard = new KeyboardMap(keycodes.first, rows);
    return new InputInjector(connection, await connection.extension('xtest'), keyboard);
  }

  private constructor(connection: XConnection, xtest: Xtest, keyboard: KeyboardMap) {
    this.#connection = connection;
    this.#xtest = xtest;
    this.#keyboard = keyboard;
  }

  /** Answers false for a move that came late: the pointer is further already. */
  inject(event: PointerOrKey): boolean {
    if (event.kind === 'move') return this.#moveLater(event);
    this.#latestSequence = event.sequence;
    this.#pendingMove = undefined;
    // What waits keeps its order.
    if (this.#waiting.length < mostWaiting) this.#waiting.push(event);
    if (this.#waitTimer === undefined) this.#actOnWaiting();
    return true;
  }

  #actOnWaiting(): void {
    this.#waitTimer = undefined;
    for (let event = this.#waiting[0]; event; event = this.#waiting[0]) {
      const waitMs = event.kind === 'key' && event.isDown ? this.#msUntilWritable(event.keysym) : 0;
      if (waitMs > 0) {
        this.#waitTimer = setTimeout(() => this.#actOnWaiting(), waitMs);
        return;
      }
      this.#waiting.shift();
      this.#act(event);
    }
  }

  /** Lends keycodes where it has to, also to what follows, so that a text waits once and not at each character. */
  #msUntilWritable(keysym: number): number {
    const freeMs = this.#msUntilLendable(keysym);
    if (freeMs === undefined) return 0;
    if (freeMs > 0) return freeMs;
    for (const event of this.#waiting) {
      if (event.kind !== 'key') break;
      const ms = event.isDown ? this.#msUntilLendable(event.keysym) : undefined;
      // In their order: what is lent to a later one is not free for those before it.
      if (ms !== undefined && ms > 0) break;
      if (ms !== undefined) this.#lend(event.keysym);
    }
    return readMapMs;
  }

  /** Undefined where nothing has to be lent, or can be. */
  #msUntilLendable(keysym: number): number | undefined {
    if (isLock(keysym)) return undefined;
    const keycode = this.#keyboard.nextLent(keysym, this.#keyState);
    return keycode === undefined ? undefined : (this.#freeAtMs.get(keycode) ?? 0) - performance.now();
  }

  #lend(keysym: number): void {
    const choice = this.#keyboard.choose(keysym, this.#keyState);
    if (choice?.remapTo === undefined) return;
    const { keycode, remapTo } = choice;
    this.#connection.client.ChangeKeyboardMapping(keycode, 2, [remapTo, remapTo]);
    // Until it is pressed, which counts anew.
    this.#freeAtMs.set(keycode, performance.now() + readMapMs + lookUpMs);
  }

  get #keyState(): { isShifted: boolean; pressed: ReadonlySet<number> } {
    const isShifted = [...this.#pressedKeys.values()].some(isShift);
    return { isShifted, pressed: new Set(this.#pressedKeys.keys()) };
  }

  #act(event: Exclude<PointerOrKey, { kind: 'move' }>): void {
    switch (event.kind) {
      case 'move-by':
        this.#moveBy(event);
        break;
      case 'button':
        this.#move(event);
        this.#button(event.button, event.isDown);
        break;
      case 'wheel':
        this.#move(event);
        this.#click(event.notchesY < 0 ? 4 : 5, event.notchesY);
        this.#click(event.notchesX < 0 ? 6 : 7, event.notchesX);
        break;
      case 'key':
        this.#key(event.keysym, event.isDown);
        break;
      case 'release-all':
        this.releaseAll();
        break;
      default:
        assertNever(event);
    }
  }

  releaseAll(): void {
    this.#pendingMove = undefined;
    for (const keycode of this.#pressedKeys.keys()) this.#fake(this.#xtest.KeyRelease, keycode);
    for (const button of this.#pressedButtons) this.#fake(this.#xtest.ButtonRelease, button);
    this.#pressedKeys.clear();
    this.#pressedButtons.clear();
  }

  /** A new controller counts its own sequence. */
  startAnew(): void {
    this.#waiting.length = 0;
    this.releaseAll();
    this.#latestSequence = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#waitTimer);
    this.#waiting.length = 0;
    await this.#connection[Symbol.asyncDispose]();
  }

  /** Moves that arrive in the same turn of the event loop become one. */
  #moveLater(event: { sequence: number; x: number; y: number }): boolean {
    if (this.#latestSequence !== undefined && isBefore(event.sequence, this.#latestSequence)) return false;
    this.#latestSequence = event.sequence;
    if (!this.#pendingMove) setImmediate(() => this.#flushMove());
    this.#pendingMove = event;
    return true;
  }

  #flushMove(): void {
    if (this.#pendingMove) this.#move(this.#pendingMove);
    this.#pendingMove = undefined;
  }

  #move({ x, y }: { x: number; y: number }): void {
    if (x === inPlace && y === inPlace) return;
    this.#xtest.FakeInput(this.#xtest.MotionNotify, 0, now, this.#connection.root, x, y);
  }

  /** XTEST: a motion with detail 1 is relative. */
  #moveBy({ dx, dy }: { dx: number; dy: number }): void {
    this.#xtest.FakeInput(this.#xtest.MotionNotify, 1, now, this.#connection.root, dx, dy);
  }

  #button(button: number, isDown: boolean): void {
    if (button < 1 || button > 9) return;
    if (isDown) this.#pressedButtons.add(button);
    else this.#pressedButtons.delete(button);
    this.#fake(isDown ? this.#xtest.ButtonPress : this.#xtest.ButtonRelease, button);
  }

  #click(button: number, notches: number): void {
    for (let left = Math.min(Math.abs(notches), mostNotches); left > 0; left -= 1) {
      this.#fake(this.#xtest.ButtonPress, button);
      this.#fake(this.#xtest.ButtonRelease, button);
    }
  }

  #key(keysym: number, isDown: boolean): void {
    if (isLock(keysym)) return;
    if (isDown) this.#press(keysym);
    else this.#release(keysym);
  }

  #press(keysym: number): void {
    const choice = this.#keyboard.choose(keysym, this.#keyState);
    if (!choice) return;
    const { keycode, withShift } = choice;
    if (this.#freeAtMs.has(keycode)) this.#freeAtMs.set(keycode, performance.now() + lookUpMs);
    if (this.#pressedKeys.has(keycode)) this.#fake(this.#xtest.KeyRelease, keycode);
    this.#pressedKeys.set(keycode, keysym);
    if (withShift === undefined) this.#fake(this.#xtest.KeyPress, keycode);
    else this.#pressTurned(keycode, withShift);
  }

  /** Programs look at Shift when a key goes down: it is turned for that moment alone. */
  #pressTurned(keycode: number, withShift: boolean): void {
    const { KeyPress, KeyRelease } = this.#xtest;
    const held = [...this.#pressedKeys].flatMap(([code, keysym]) => (isShift(keysym) ? code : []));
    const turned = withShift ? [this.#keyboard.shiftKeycode ?? 0] : held;
    for (const shift of turned) this.#fake(withShift ? KeyPress : KeyRelease, shift);
    this.#fake(KeyPress, keycode);
    for (const shift of turned) this.#fake(withShift ? KeyRelease : KeyPress, shift);
  }

  /** The key that went down as `A` may come up as `a`, when Shift came up before it. */
  #release(keysym: number): void {
    const keycodes = [...this.#pressedKeys].flatMap(([keycode, pressed]) =>
      pressed === keysym ? keycode : [],
    );
    const keycode =
      keycodes[0] ?? this.#keyboard.keycodesOf(keysym).find((candidate) => this.#pressedKeys.has(candidate));
    if (keycode === undefined) return;
    this.#pressedKeys.delete(keycode);
    this.#fake(this.#xtest.KeyRelease, keycode);
  }

  #fake(type: number, detail: number): void {
    this.#xtest.FakeInput(type, detail, now, this.#connection.root, 0, 0);
  }
}

/** Order of 32-bit counters that wrap around (RFC 1982). */
export function isBefore(sequence: number, other: number): boolean {
  return sequence !== other && (other - sequence) >>> 0 < 2 ** 31;
}
