const shiftKeysyms: ReadonlySet<number> = new Set([0xffe1, 0xffe2]);

/** A keycode to press, and the keysym that it must be given first when no key of the keyboard has it. */
export type KeyChoice = { readonly keycode: number; readonly remapTo: number | undefined };

type KeyState = { readonly isShifted: boolean; readonly pressed: ReadonlySet<number> };

/**
 * Which keycode gives a keysym on a core X keyboard: column 0 of the map without Shift, column 1 with it. Keysyms that
 * no key gives in the present state of Shift are lent one of the unused keycodes, the longest unused first.
 */
export class KeyboardMap {
  readonly #rows: number[][];
  readonly #firstKeycode: number;
  readonly #spares: number[];

  /** @param rows keysyms of each keycode, from `firstKeycode` on, as GetKeyboardMapping answers them. */
  constructor(firstKeycode: number, rows: readonly (readonly number[])[]) {
    this.#firstKeycode = firstKeycode;
    this.#rows = rows.map((row) => [...row]);
    this.#spares = rows.flatMap((row, index) =>
      row.every((keysym) => keysym === 0) ? firstKeycode + index : [],
    );
  }

  choose(keysym: number, state: KeyState): KeyChoice | undefined {
    const keycode = this.#keycodeOf(keysym, state);
    if (keycode !== undefined) return { keycode, remapTo: undefined };
    return this.#lendSpare(keysym, state.pressed);
  }

  /** The keycode that `choose` would take from the keysym it has been lent to. */
  nextLent(keysym: number, state: KeyState): number | undefined {
    if (this.#keycodeOf(keysym, state) !== undefined) return undefined;
    return this.#spares.find((spare) => !state.pressed.has(spare));
  }

  #keycodeOf(keysym: number, state: KeyState): number | undefined {
    const isUsable = (column: number): boolean =>
      shiftKeysyms.has(keysym) ? column === 0 : column === (state.isShifted ? 1 : 0);
    const index = this.#rows.findIndex((row) =>
      row.some((given, column) => given === keysym && isUsable(column)),
    );
    if (index >= 0) return this.#firstKeycode + index;
    // A key that gives the same with and without Shift has one keysym only (X11 protocol §5, keyboards).
    const single = this.#rows.findIndex((row) => row[0] === keysym && !row[1]);
    return single >= 0 ? this.#firstKeycode + single : undefined;
  }

  /** The keycodes that carry this keysym in any column. */
  keycodesOf(keysym: number): number[] {
    return this.#rows.flatMap((row, index) => (row.includes(keysym) ? this.#firstKeycode + index : []));
  }

  #lendSpare(keysym: number, pressed: ReadonlySet<number>): KeyChoice | undefined {
    const position = this.#spares.findIndex((spare) => !pressed.has(spare));
    const [keycode] = position < 0 ? [] : this.#spares.splice(position, 1);
    if (keycode === undefined) return undefined;
    this.#spares.push(keycode);
    this.#rows[keycode - this.#firstKeycode] = [keysym, keysym];
    return { keycode, remapTo: keysym };
  }
}

export function isShift(keysym: number): boolean {
  return shiftKeysyms.has(keysym);
}

/** The user's own keyboard has applied these already: applying them again here would undo them. */
export function isLock(keysym: number): boolean {
  return keysym === 0xffe5 || keysym === 0xff7f || keysym === 0xff14;
}
