import { isModifier, keysymOf, keysymsOfText } from './keysym.ts';
import type { UnsentInput } from './picture.ts';

type Options = {
  /** Has the focus while the user steers: only what can be written in gets dead keys and what an input method composes. */
  readonly keyboard: HTMLTextAreaElement;
  readonly hasControl: () => boolean;
  readonly send: (event: UnsentInput, at: number) => void;
  /** The user held or let go the key for pointing. */
  readonly holdPointing: (isHeld: boolean) => void;
  /** The user pressed the keys that lead out of the picture. */
  readonly leave: () => void;
  /** The user pressed the keys that mark the image. */
  readonly noteImage: () => void;
};

type Capture = {
  readonly pressed: (event: KeyboardEvent) => void;
  readonly released: (event: KeyboardEvent) => void;
  readonly composed: (event: CompositionEvent) => void;
  readonly written: (event: InputEvent) => void;
  /** Everything is up. */
  readonly forget: () => void;
};

/** More than this at once is nobody's typing. */
const mostTyped = 1_000;
/** What these keys mean becomes known later, from the text that the element takes. */
const composing: ReadonlySet<string> = new Set(['Dead', 'Process', 'Unidentified', 'Compose']);
/** Nothing comes into a session that was not typed. */
const notTyped: ReadonlySet<string> = new Set(['insertFromPaste', 'insertFromDrop', 'insertFromYank']);
const watchedModifiers = ['Shift', 'Control', 'Meta'] as const;

/**
 * Takes what the user types, by the user's own keyboard layout and input method, and sends it as keysyms: a key for its key, and a
 * text that was composed character by character. Dispose to stop.
 */
export function captureKeyboard(options: Options): Disposable & Pick<Capture, 'forget'> {
  const stack = new DisposableStack();
  const { keyboard } = options;
  const capture = captureKeys(options);
  const listen = <Name extends keyof HTMLElementEventMap>(
    name: Name,
    listener: (event: HTMLElementEventMap[Name]) => void,
  ): void => {
    keyboard.addEventListener(name, listener);
    stack.defer(() => keyboard.removeEventListener(name, listener));
  };
  listen('keydown', capture.pressed);
  listen('keyup', capture.released);
  listen('compositionstart', () => (keyboard.dataset['composing'] = ''));
  listen('compositionend', (event) => {
    delete keyboard.dataset['composing'];
    capture.composed(event);
    keyboard.value = '';
  });
  listen('beforeinput', (event) => {
    if (notTyped.has(event.inputType)) event.preventDefault();
  });
  listen('input', (event) => {
    if (!(event instanceof InputEvent) || event.isComposing) return;
    capture.written(event);
    keyboard.value = '';
  });
  return { forget: capture.forget, [Symbol.dispose]: () => stack.dispose() };
}

function captureKeys(options: Options): Capture {
  const { hasControl, send } = options;
  /** By physical key: what went down as `A` must not come up as `a`. */
  const down = new Map<string, number>();
  let isAltHeld = false;
  let isAltGraphHeld = false;
  const setAlt = (isHeld: boolean): void => {
    isAltHeld = isHeld;
    options.holdPointing(isHeld);
  };
  const letUp = (at: number, isMeant: (keysym: number) => boolean): void => {
    for (const [code, keysym] of [...down].filter(([, held]) => isMeant(held))) {
      down.delete(code);
      send({ kind: 'key', keysym, isDown: false }, at);
    }
  };
  /** Windows tells of AltGr as Ctrl and Alt; and systems keep the release of a key for themselves. */
  const letUpWhatIsNotHeld = (event: KeyboardEvent): void => {
    const isCharacter = Array.from(event.key).length === 1;
    for (const name of watchedModifiers) {
      const isPartOfCharacter = name === 'Control' && isCharacter && event.getModifierState('AltGraph');
      if (isPartOfCharacter || !event.getModifierState(name))
        letUp(event.timeStamp, (keysym) => isModifier(keysym, name));
    }
  };
  /** Keys that are for this page and no character. */
  const heedOwnKeys = (event: KeyboardEvent): boolean => {
    if (event.key === 'AltGraph') {
      // Which character it makes is told by its key: the display's own layout may know no AltGr.
      isAltGraphHeld = true;
      letUp(event.timeStamp, (keysym) => isModifier(keysym, 'Control'));
      return true;
    }
    const own = { KeyM: options.leave, KeyK: options.noteImage }[event.code];
    if (event.ctrlKey && event.altKey && own && !isAltGraphHeld) {
      own();
      return true;
    }
    if (event.key !== 'Alt') return false;
    if (!isAltHeld) setAlt(true);
    return true;
  };
  const type = (text: string | null, at: number): void => {
    if (!hasControl()) return;
    for (const keysym of keysymsOfText(text ?? '').slice(0, mostTyped))
      for (const isDown of [true, false]) send({ kind: 'key', keysym, isDown }, at);
  };

  return {
    pressed: (event) => {
      if (isForBrowser(event) || event.isComposing || composing.has(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      if (heedOwnKeys(event)) return;
      if (!hasControl()) return;
      letUpWhatIsNotHeld(event);
      const keysym = keysymOf(event);
      if (keysym === undefined) return;
      down.set(event.code, keysym);
      send({ kind: 'key', keysym, isDown: true }, event.timeStamp);
    },
    released: (event) => {
      if (event.key === 'Alt' && isAltHeld) setAlt(false);
      if (event.key === 'AltGraph') isAltGraphHeld = false;
      // macOS tells of no other release while ⌘ is held.
      if (event.key === 'Meta') letUp(event.timeStamp, (keysym) => !isModifier(keysym, 'Shift'));
      const keysym = down.get(event.code);
      if (keysym === undefined) return;
      event.preventDefault();
      down.delete(event.code);
      send({ kind: 'key', keysym, isDown: false }, event.timeStamp);
    },
    composed: (event) => type(event.data, event.timeStamp),
    written: (event) => {
      if (event.inputType === 'insertText') type(event.data, event.timeStamp);
    },
    forget: () => {
      if (isAltHeld) options.holdPointing(false);
      isAltHeld = false;
      isAltGraphHeld = false;
      down.clear();
    },
  };
}

/** Full screen and the developer's tools stay with the browser. */
function isForBrowser({ key }: KeyboardEvent): boolean {
  return key === 'F11' || key === 'F12';
}
