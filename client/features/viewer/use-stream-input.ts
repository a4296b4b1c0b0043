import { useEffect, useEffectEvent, type RefObject } from 'react';
import { ClipboardHand } from '../../stream/clipboard-hand.ts';
import { captureInput } from '../../stream/input-capture.ts';
import { writeClipboard } from '../../stream/write-clipboard.ts';
import { toggleRelativePointer } from './relative-pointer.tsx';
import { tellTransfer } from './tell-transfer.ts';
import type { ViewerSession } from './viewer-session.ts';

type Options = {
  readonly viewer: ViewerSession;
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly keyboard: RefObject<HTMLTextAreaElement | null>;
  readonly isPointing: boolean;
  readonly setHeld: (isHeld: boolean) => void;
  readonly focusBar: () => void;
  readonly noteImage: () => void;
};

export type CaptureChoices = {
  readonly isPointing: () => boolean;
  readonly setHeld: (isHeld: boolean) => void;
  readonly focusBar: () => void;
  readonly noteImage: () => void;
};
type Captured = {
  readonly viewer: ViewerSession;
  readonly element: HTMLVideoElement;
  readonly keyboard: HTMLTextAreaElement;
  /** The one that the element is in: its clock and its clipboard count. */
  readonly window: Window;
};

/** Takes what a hand does on one of the windows that show the picture. */
export function startCapture(
  { viewer, element, keyboard, window: shown }: Captured,
  { isPointing, setHeld, focusBar, noteImage }: CaptureChoices,
): Disposable {
  const { picture, room } = viewer;
  const aheadMs = shown.performance.timeOrigin - performance.timeOrigin;
  return captureInput({
    element,
    keyboard,
    displaySize: () =>
      picture.display.screen.size.get() ?? {
        width: element.videoWidth || 1280,
        height: element.videoHeight || 720,
      },
    hasControl: () => viewer.hasControl(),
    isPointing,
    clipboard: new ClipboardHand({
      rights: () => room.transfers.get(),
      ask: async (request) => viewer.transfer(request),
      write: writeClipboard,
      tell: tellTransfer,
    }),
    send: (event, at) => void picture.sendInput(event, at + aheadMs),
    point: (place) => room.point(place),
    holdPointing: setHeld,
    leave: focusBar,
    noteImage,
    holdMouse: () => toggleRelativePointer(viewer, element),
  });
}

/** The user's hand on the picture: input for who has control, a pointer for the others. */
export function useStreamInput(options: Options): void {
  const { viewer, video, keyboard, isPointing, setHeld, focusBar } = options;
  const noteImage = useEffectEvent(() => options.noteImage());
  const isPointingNow = useEffectEvent(() => isPointing);

  useEffect(() => {
    const [element, keys] = [video.current, keyboard.current];
    if (!element || !keys) return undefined;
    const choices = {
      ...{ setHeld, focusBar, isPointing: () => isPointingNow(), noteImage: () => noteImage() },
    };
    const capturing = startCapture({ viewer, element, keyboard: keys, window }, choices);
    keys.focus({ preventScroll: true });
    return () => capturing[Symbol.dispose]();
  }, [viewer, video, keyboard, setHeld, focusBar]);

  useEffect(() => {
    // Who stops pointing leaves no pointer behind.
    if (!isPointing) viewer.room.point(null);
  }, [isPointing, viewer]);
}
