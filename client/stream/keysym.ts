/** What a key event tells; a subset of `KeyboardEvent`. */
export type KeyPress = {
  readonly key: string;
  readonly code: string;
  readonly location: number;
  readonly ctrlKey?: boolean;
  readonly metaKey?: boolean;
};

/** Named keys of UI Events KeyboardEvent key values → X11/keysymdef.h. */
const named: Readonly<Record<string, number>> = {
  Backspace: 0xff08,
  Tab: 0xff09,
  Enter: 0xff0d,
  Pause: 0xff13,
  ScrollLock: 0xff14,
  Escape: 0xff1b,
  Home: 0xff50,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
  PageUp: 0xff55,
  PageDown: 0xff56,
  End: 0xff57,
  PrintScreen: 0xff61,
  Insert: 0xff63,
  Undo: 0xff65,
  ContextMenu: 0xff67,
  Help: 0xff6a,
  NumLock: 0xff7f,
  CapsLock: 0xffe5,
  Delete: 0xffff,
  AltGraph: 0xfe03,
};

/** Keys that exist twice: left, right. */
const sided: Readonly<Record<string, readonly [number, number]>> = {
  Shift: [0xffe1, 0xffe2],
  Control: [0xffe3, 0xffe4],
  Alt: [0xffe9, 0xffea],
  Meta: [0xffeb, 0xffec],
};

const keypad: Readonly<Record<string, number>> = {
  Enter: 0xff8d,
  Home: 0xff95,
  ArrowLeft: 0xff96,
  ArrowUp: 0xff97,
  ArrowRight: 0xff98,
  ArrowDown: 0xff99,
  PageUp: 0xff9a,
  PageDown: 0xff9b,
  End: 0xff9c,
  Clear: 0xff9d,
  Insert: 0xff9e,
  Delete: 0xff9f,
  '*': 0xffaa,
  '+': 0xffab,
  ',': 0xffac,
  '-': 0xffad,
  '.': 0xffae,
  '/': 0xffaf,
};

const locationRight = 2;
const locationKeypad = 3;

/** The X keysym of a key as the user's own keyboard layout understands it, or undefined if X has no word for it. */
export function keysymOf(press: KeyPress): number | undefined {
  const { location } = press;
  const key = latinInShortcut(press) ?? press.key;
  const sides = sided[key];
  if (sides) return sides[location === locationRight ? 1 : 0];
  if (location === locationKeypad) {
    const onKeypad = keypad[key] ?? (/^\d$/.test(key) ? 0xffb0 + Number(key) : undefined);
    if (onKeypad !== undefined) return onKeypad;
  }
  return named[key] ?? functionKeysym(key) ?? characterKeysym(key);
}

function functionKeysym(key: string): number | undefined {
  const number = /^F([1-9]|1\d|2[0-4])$/.exec(key)?.[1];
  return number === undefined ? undefined : 0xffbd + Number(number);
}

function characterKeysym(key: string): number | undefined {
  const [character, ...rest] = key;
  const point = character?.codePointAt(0);
  if (point === undefined || rest.length > 0) return undefined;
  // Latin-1 keysyms equal their code points; control characters have none.
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return undefined;
  return point <= 0xff ? point : 0x01000000 + point;
}

/** Of what was composed, in the one form that keyboards make; a letter and its accent apart are two keys nobody has. */
export function keysymsOfText(text: string): readonly number[] {
  return Array.from(text.normalize('NFC')).flatMap(
    (character) => controls[character] ?? characterKeysym(character) ?? [],
  );
}

const controls: Readonly<Record<string, number>> = { '\n': 0xff0d, '\t': 0xff09 };

/** True of the left and the right one. */
export function isModifier(keysym: number, name: 'Shift' | 'Control' | 'Meta'): boolean {
  return sided[name]?.includes(keysym) === true;
}

/** The Latin letter that a shortcut means, in lower case. */
export function letterOf(press: KeyPress): string | undefined {
  const key = (latinInShortcut(press) ?? press.key).toLowerCase();
  return /^[a-z]$/.test(key) ? key : undefined;
}

/** Shortcuts are of Latin letters on every keyboard: Ctrl and С of a Cyrillic one is Ctrl and C. */
function latinInShortcut({ key, code, ctrlKey, metaKey }: KeyPress): string | undefined {
  if (ctrlKey !== true && metaKey !== true) return undefined;
  const isLatin = /^[\p{Script=Latin}\p{Script=Common}]/u.test(key);
  return isLatin ? undefined : /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase();
}
