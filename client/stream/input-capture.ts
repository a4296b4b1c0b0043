import { inPlace } from '@medusa/protocol';
import {
  fitContained,
  toDisplayPx,
  toFractions,
  isInside,
  type Point,
  type Rectangle,
  type Size,
} from './display-mapping.ts';
import type { ClipboardHand } from './clipboard-hand.ts';
import { InputGate } from './input-gate.ts';
import { captureKeyboard } from './keyboard-capture.ts';
import { RelativeMoves } from './relative-moves.ts';
import { TouchHand } from './touch-hand.ts';
import { WheelNotches } from './wheel-notches.ts';
import type { UnsentInput } from './picture.ts';

type Options = {
  /** The element that shows the picture. */
  readonly element: HTMLElement;
  /** Takes what is typed while the picture is steered. */
  readonly keyboard: HTMLTextAreaElement;
  readonly displaySize: () => Size;
  /** True while this participant's input goes to the display; otherwise the mouse is a pointer for the others. */
  readonly hasControl: () => boolean;
  /** True while the user wants to point although input would go to the display. */
  readonly isPointing: () => boolean;
  readonly send: (event: UnsentInput, at: number) => void;
  readonly clipboard: Pick<ClipboardHand, 'copied' | 'wantsPaste' | 'paste' | 'left'>;
  /** Where the mouse points, in fractions of the picture; null when it left. */
  readonly point: (place: Point | null) => void;
  /** The user held or let go the key for pointing. */
  readonly holdPointing: (isHeld: boolean) => void;
  /** The user pressed the keys that lead out of the picture. */
  readonly leave: () => void;
  /** The user pressed the keys that mark the image. */
  readonly noteImage: () => void;
  /** The user pressed the keys that hold the mouse, or let it go. */
  readonly holdMouse: () => void;
};

/** UI Events `buttons` bit → X11 button. */
const buttonBits: readonly (readonly [bit: number, button: number])[] = [
  [1, 1],
  [4, 2],
  [2, 3],
  [8, 8],
  [16, 9],
];

/** Takes pointer, wheel and keyboard events of the picture and sends them as input events. Dispose to stop. */
export function captureInput(options: Options): Disposable {
  const stack = new DisposableStack();
  const gate = new InputGate(options.send);
  const pointer = capturePointer({ ...options, send: gate.send });
  const keyboard = stack.use(captureKeyboard({ ...options, gate }));
  const listen = <Name extends keyof HTMLElementEventMap>(
    name: Name,
    listener: (event: HTMLElementEventMap[Name]) => void,
  ): void => {
    options.element.addEventListener(name, listener, { passive: false });
    stack.defer(() => options.element.removeEventListener(name, listener));
  };
  listen('pointermove', pointer.moved);
  listen('pointerdown', pointer.pressed);
  listen('pointerup', pointer.moved);
  listen('pointercancel', pointer.moved);
  listen('pointerleave', pointer.left);
  listen('wheel', pointer.wheeled);
  listen('contextmenu', (event) => event.preventDefault());
  // The keyboard keeps the focus.
  listen('mousedown', (event) => event.preventDefault());
  const releaseAll = (): void => {
    pointer.forget();
    keyboard.forget();
    options.clipboard.left();
    if (options.hasControl()) gate.send({ kind: 'release-all' }, performance.now());
  };
  for (const losing of [options.keyboard, window]) {
    losing.addEventListener('blur', releaseAll);
    stack.defer(() => losing.removeEventListener('blur', releaseAll));
  }
  return stack;
}

function capturePointer(options: Options): {
  moved: (event: PointerEvent) => void;
  pressed: (event: PointerEvent) => void;
  left: () => void;
  wheeled: (event: WheelEvent) => void;
  forget: () => void;
} {
  const wheel = new WheelNotches();
  const moves = oncePerFrame((place: Point, at: number) => options.send({ kind: 'move', ...place }, at));
  let buttons = 0;

  const picture = (): Rectangle =>
    fitContained(options.element.getBoundingClientRect(), options.displaySize());
  const toDisplay = (place: Point): Point => toDisplayPx(place, picture(), options.displaySize());
  const displayPx = (event: MouseEvent): Point => toDisplay({ x: event.clientX, y: event.clientY });
  const touch = new TouchHand({ send: options.send, toDisplay });
  const scale = (): number => options.displaySize().width / Math.max(1, picture().width);
  const relative = new RelativeMoves({ send: options.send, scale });
  /** The mouse is held (Pointer Lock): it tells of its ways, and of no places. */
  const isHeld = (): boolean => options.element.ownerDocument.pointerLockElement === options.element;
  const placeOf = (event: MouseEvent): Point => (isHeld() ? { x: inPlace, y: inPlace } : displayPx(event));

  /** The event's buttons compared with those known: a second button tells itself only as a move. */
  const sendButtons = (event: PointerEvent): void => {
    const changed = buttonBits.filter(([bit]) => (event.buttons & bit) !== (buttons & bit));
    buttons = event.buttons;
    if (changed.length === 0) return;
    moves.drop();
    relative.flush(event.timeStamp);
    for (const [bit, button] of changed)
      options.send(
        { kind: 'button', ...placeOf(event), button, isDown: (event.buttons & bit) !== 0 },
        event.timeStamp,
      );
  };

  /** Fingers of who does not steer point, as long as they touch. */
  const touched = (event: PointerEvent, place: Point): void => {
    const isPointing = options.isPointing() || !options.hasControl();
    const isLeaving = event.type === 'pointerup' || event.type === 'pointercancel';
    if (isPointing)
      options.point(isInside(place, picture()) && !isLeaving ? toFractions(place, picture()) : null);
    const { pointerId, timeStamp } = event;
    if (event.type === 'pointercancel') touch.cancel(timeStamp);
    else if (event.type === 'pointerup') touch.up(pointerId, timeStamp);
    else if (event.type === 'pointermove') touch.move(pointerId, place, timeStamp);
    else if (!isPointing) touch.down(pointerId, place, timeStamp);
  };

  const moved = (event: PointerEvent): void => {
    const place = { x: event.clientX, y: event.clientY };
    if (event.pointerType === 'touch') {
      touched(event, place);
      return;
    }
    const isPointing = options.isPointing() || !options.hasControl();
    if (isPointing) options.point(isInside(place, picture()) ? toFractions(place, picture()) : null);
    if (!options.hasControl() || (options.isPointing() && buttons === 0)) return;
    event.preventDefault();
    if (isHeld()) {
      relative.add({ x: event.movementX, y: event.movementY });
      sendButtons(event);
      return;
    }
    sendButtons(event);
    moves.offer(displayPx(event), event.timeStamp);
  };

  return {
    moved,
    pressed: (event) => {
      options.keyboard.focus({ preventScroll: true });
      if (event.pointerType === 'touch') {
        touched(event, { x: event.clientX, y: event.clientY });
        return;
      }
      if (!options.hasControl() || options.isPointing()) return;
      // Text drags and the middle button's scroll mode of the browser must not start.
      event.preventDefault();
      if (!isHeld()) options.element.setPointerCapture(event.pointerId);
      sendButtons(event);
    },
    left: () => options.point(null),
    wheeled: (event) => {
      event.preventDefault();
      if (!options.hasControl()) return;
      const notches = wheel.add(event);
      if (notches.notchesX === 0 && notches.notchesY === 0) return;
      relative.flush(event.timeStamp);
      options.send({ kind: 'wheel', ...placeOf(event), ...notches }, event.timeStamp);
    },
    forget: () => {
      buttons = 0;
      touch.cancel(performance.now());
      relative.reset();
      wheel.reset();
      moves.drop();
    },
  };
}

/** Acts at once, then at most once per animation frame with the latest value. */
function oncePerFrame(act: (place: Point, at: number) => void): {
  offer: (place: Point, at: number) => void;
  drop: () => void;
} {
  let isResting = false;
  let waiting: { place: Point; at: number } | undefined;
  const rest = (): void => {
    isResting = true;
    requestAnimationFrame(() => {
      isResting = false;
      if (!waiting) return;
      const { place, at } = waiting;
      waiting = undefined;
      act(place, at);
      rest();
    });
  };
  return {
    offer: (place, at) => {
      if (isResting) {
        waiting = { place, at };
        return;
      }
      act(place, at);
      rest();
    },
    drop: () => {
      waiting = undefined;
    },
  };
}
