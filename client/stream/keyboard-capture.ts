import { reportFault } from '../core/report.ts';
import type { ClipboardHand, Pasted } from './clipboard-hand.ts';
import type { InputGate } from './input-gate.ts';
import { isModifier, keysymOf, keysymsOfText, letterOf } from './keysym.ts';

type Options = {
  /** Has the focus while the user steers: only what can be written in gets dead keys and what an input method composes. */
  readonly keyboard: HTMLTextAreaElement;
  readonly hasControl: () => boolean;
  readonly gate: InputGate;
  readonly clipboard: Pick<ClipboardHand, 'copied' | 'wantsPaste' | 'paste'>;
  /** The user held or let go the key for pointing. */
  readonly holdPointing: (isHeld: boolean) => void;
  /** The user pressed the keys that lead out of the picture. */
  readonly leave: () => void;
  /** The user pressed the keys that mark the image. */
  readonly noteImage: () => void;
  /** The user pressed the keys that hold the mouse, or let it go. */
  readonly holdMouse: () => void;
};

type Capture = {
  readonly pressed: (event: KeyboardEvent) => void;
  readonly released: (event: KeyboardEvent) => void;
  readonly composed: (event: CompositionEvent) => void;
  readonly written: (event: InputEvent) => void;
  readonly pasted: (event: ClipboardEvent) => void;
  /** Everything is up. */
  readonly forget: () => void;
};

/** More than this at once is nobody's typing. */
const mostTyped = 1_000;
/** What these keys mean becomes known later, from the text that the element takes. */
const composing: ReadonlySet<string> = new Set(['Dead', 'Process', 'Unidentified', 'Compose']);
/** What is pasted goes another way than what is typed. */
const notTyped: ReadonlySet<string> = new Set(['insertFromPaste', 'insertFromDrop', 'insertFromYank']);
/** UI Events, legacy key codes: the input method has the key. */
const ofInputMethod = 229;
const controlKeysym = 0xffe3;
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
  listen('paste', capture.pasted);
  listen('beforeinput', (event) => {
    if (notTyped.has(event.inputType)) event.preventDefault();
  });
  listen('input', (event) => {
    // Of a second window it is of another class.
    if (!isWritten(event) || event.isComposing) return;
    capture.written(event);
    keyboard.value = '';
  });
  return { forget: capture.forget, [Symbol.dispose]: () => stack.dispose() };
}

function captureKeys(options: Options): Capture {
  const { hasControl, gate, clipboard } = options;
  const { send } = gate;
  /** By physical key: what went down as `A` must not come up as `a`. */
  const down = new Map<string, number>();
  let isAltHeld = false;
  let isAltGraphHeld = false;
  /** The key that asked the browser to paste. */
  let awaited: { readonly code: string; readonly isHeld: boolean } | undefined;
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
    const own = { KeyM: options.leave, KeyK: options.noteImage, KeyR: options.holdMouse }[event.code];
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

  const isControlDown = (): boolean => [...down.values()].some((keysym) => isModifier(keysym, 'Control'));
  /** Ctrl and a letter, for a display that has Control down already or has not. */
  const chord = (letter: string, isHeld: boolean, sendNow = send): void => {
    const at = performance.now();
    const key = (keysym: number, isDown: boolean): void => sendNow({ kind: 'key', keysym, isDown }, at);
    if (!isHeld) key(controlKeysym, true);
    for (const isDown of [true, false]) key(letter.charCodeAt(0), isDown);
    if (!isHeld) key(controlKeysym, false);
  };
  const paste = (pasted: Pasted, isHeld: boolean): void => {
    const pasting = gate.hold(async (sendNow) => {
      if (await clipboard.paste(pasted)) chord('v', isHeld, sendNow);
    });
    pasting.catch(reportFault);
  };
  /** True: there is nothing left to be done. With ⌘ the display gets what it calls a shortcut. */
  const heedShortcut = (event: KeyboardEvent): boolean => {
    letUpWhatIsNotHeld(event);
    const letter = shortcutOf(event);
    if (letter === undefined) return false;
    if (event.metaKey) letUp(event.timeStamp, (keysym) => isModifier(keysym, 'Meta'));
    if (letter === 'v' && !event.repeat && clipboard.wantsPaste()) {
      awaited = { code: event.code, isHeld: isControlDown() };
      return true;
    }
    const isCopy = letter === 'c' || letter === 'x';
    if (isCopy && !event.repeat) clipboard.copied().catch(reportFault);
    if (!event.metaKey) return false;
    chord(letter, isControlDown());
    return true;
  };

  return {
    pressed: (event) => {
      if (isForBrowser(event) || isForInputMethod(event)) return;
      event.stopPropagation();
      const isDone = heedOwnKeys(event) || !hasControl() || heedShortcut(event);
      // Only what is to be pasted has to come from the browser.
      if (awaited?.code !== event.code) event.preventDefault();
      const keysym = isDone ? undefined : keysymOf(event);
      if (keysym === undefined) return;
      down.set(event.code, keysym);
      send({ kind: 'key', keysym, isDown: true }, event.timeStamp);
    },
    pasted: (event) => {
      event.preventDefault();
      const isHeld = awaited?.isHeld ?? false;
      awaited = undefined;
      const text = event.clipboardData?.getData('text/plain') ?? '';
      const hasFiles = (event.clipboardData?.files.length ?? 0) > 0;
      if (hasControl()) paste({ text, hasFiles }, isHeld);
    },
    released: (event) => {
      if (event.key === 'Alt' && isAltHeld) setAlt(false);
      if (event.key === 'AltGraph') isAltGraphHeld = false;
      // macOS tells of no other release while ⌘ is held.
      if (event.key === 'Meta') letUp(event.timeStamp, (keysym) => !isModifier(keysym, 'Shift'));
      if (awaited?.code === event.code) {
        // The browser had nothing to paste.
        chord('v', awaited.isHeld);
        awaited = undefined;
      }
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
      awaited = undefined;
      down.clear();
    },
  };
}

/** The letter of Ctrl or ⌘ and a letter that is known everywhere. */
function shortcutOf(event: KeyboardEvent): string | undefined {
  const isOne = event.ctrlKey !== event.metaKey && !event.altKey && !event.shiftKey;
  const letter = isOne ? letterOf(event) : undefined;
  const known = event.metaKey ? 'acvxz' : 'cvx';
  return letter !== undefined && known.includes(letter) ? letter : undefined;
}

function isForInputMethod(event: KeyboardEvent): boolean {
  // Safari tells of the key that ends a composition after its end, by this code alone.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- UI Events §4.3.4: there is no other way to know
  return event.isComposing || composing.has(event.key) || event.keyCode === ofInputMethod;
}

/** Full screen and the developer's tools stay with the browser. */
function isForBrowser({ key }: KeyboardEvent): boolean {
  return key === 'F11' || key === 'F12';
}

function isWritten(event: Event): event is InputEvent {
  return 'inputType' in event;
}
