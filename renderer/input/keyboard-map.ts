const shiftKeysyms: ReadonlySet<number> = new Set([0xffe1, 0xffe2]);

/** A keycode to press, and the keysym that it must be given first when no key of the keyboard has it. */
export type KeyChoice = {
  readonly keycode: number;
  readonly remapTo: number | undefined;
  /** How Shift must be for this one press; undefined: as it is. */
  readonly withShift: boolean | undefined;
};

type KeyState = { readonly isShifted: boolean; readonly pressed: ReadonlySet<number> };

/**
 * Which keycode gives a keysym on a core X keyboard: column 0 of the map without Shift, column 1 with it. Where the user's keyboard has it
 * without Shift and this one with it (as `+` of a German one), or the other way round, Shift is turned for the moment. Keysyms that no key
 * gives are lent one of the unused keycodes, the longest unused first: Chromium writes them, but names such a key `\0` in its key events.
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
    if (keycode !== undefined) return { keycode, remapTo: undefined, withShift: undefined };
    const turned = this.#keycodeOf(keysym, { isShifted: !state.isShifted });
    if (turned !== undefined) return { keycode: turned, remapTo: undefined, withShift: !state.isShifted };
    return this.#lendSpare(keysym, state.pressed);
  }

  /** The keycode that `choose` would take from the keysym it has been lent to. */
  nextLent(keysym: number, state: KeyState): number | undefined {
    if ([true, false].some((isShifted) => this.#keycodeOf(keysym, { isShifted }) !== undefined))
      return undefined;
    return this.#spares.find((spare) => !state.pressed.has(spare));
  }

  #keycodeOf(keysym: number, state: Pick<KeyState, 'isShifted'>): number | undefined {
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

  get shiftKeycode(): number | undefined {
    return [...shiftKeysyms].flatMap((keysym) => this.keycodesOf(keysym))[0];
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
    return { keycode, remapTo: keysym, withShift: undefined };
  }
}

export function isShift(keysym: number): boolean {
  return shiftKeysyms.has(keysym);
}

/** The user's own keyboard has applied these already: applying them again here would undo them. */
export function isLock(keysym: number): boolean {
  return keysym === 0xffe5 || keysym === 0xff7f || keysym === 0xff14;
}
