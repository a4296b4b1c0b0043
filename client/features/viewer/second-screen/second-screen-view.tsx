import { useEffect, useEffectEvent, useRef, useState, type ReactNode, type RefObject } from 'react';
import { strings } from '../../../strings/en.ts';
import type { Size } from '../../../stream/display-mapping.ts';
import { PictureCover } from '../../../stream/picture-cover.ts';
import { partOf, placePicture } from '../../../stream/screen-parts.ts';
import { useStore } from '../../../ui/use-store.ts';
import { RecordingMark } from '../../recordings/index.ts';
import { PointerLayer } from '../../rooms/index.ts';
import { startCapture, type CaptureChoices } from '../use-stream-input.ts';
import type { ViewerSession } from '../viewer-session.ts';
import { SecondStill } from './second-still.tsx';
import type { SecondWindow } from './use-second-screen.ts';

type Props = CaptureChoices & {
  readonly viewer: ViewerSession;
  readonly second: SecondWindow;
  /** The first window's, which gets the stream. */
  readonly source: RefObject<HTMLVideoElement | null>;
  readonly hasControl: boolean;
};

/** The second of two screens: the part of the same picture that the first one does not show, and the same hand on it. */
export function SecondScreenView(props: Props): ReactNode {
  const { viewer, second, source, hasControl } = props;
  const { picture, room } = viewer;
  const [video, cover] = [useRef<HTMLVideoElement>(null), useRef<HTMLCanvasElement>(null)];
  const keyboard = useRef<HTMLTextAreaElement>(null);
  const display = useStore(picture.display.screen.size);
  const seam = useStore(picture.display.screen.seam);
  const box = useBox(second.window);
  const rectangle =
    display && seam !== null ? placePicture(box, display, partOf(display, seam, 'second')) : null;
  useSameStream({ viewer, source, video, cover });
  useCapture(props, video, keyboard);

  return (
    <div className="stream-stage" data-testid="second-stage" data-shown={rectangle !== null}>
      <video
        ref={video}
        className="stream-video"
        style={rectangle ?? { visibility: 'hidden' }}
        data-testid="second-video"
        aria-hidden
        muted
        playsInline
        disablePictureInPicture
      />
      <canvas ref={cover} className="stream-cover" aria-hidden hidden />
      <textarea
        ref={keyboard}
        className="stream-keyboard"
        aria-label={strings.viewer.picture}
        autoComplete="off"
        spellCheck={false}
        inputMode="none"
        rows={1}
      />
      <SecondStill picture={picture} box={box} window={second.window} />
      {rectangle ? (
        <PointerLayer room={room} rectangle={rectangle} />
      ) : (
        <p className="second-screen-note" role="status" data-testid="second-waiting">
          {hasControl ? strings.secondScreen.preparing : strings.secondScreen.others}
        </p>
      )}
      <RecordingMark room={room} />
    </div>
  );
}

function useBox(shown: Window): Size {
  const [box, setBox] = useState<Size>(() => sizeOf(shown));
  useEffect(() => {
    const look = (): void => setBox(sizeOf(shown));
    look();
    shown.addEventListener('resize', look);
    return () => shown.removeEventListener('resize', look);
  }, [shown]);
  return box;
}

function sizeOf({ innerWidth: width, innerHeight: height }: Window): Size {
  return { width, height };
}

/** What the first window plays, however it came, and the last whole picture over it while the display changes. */
function useSameStream(parts: {
  viewer: ViewerSession;
  source: RefObject<HTMLVideoElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  cover: RefObject<HTMLCanvasElement | null>;
}): void {
  const { source, video: shown, cover, viewer } = parts;
  useEffect(() => {
    const [from, video, canvas] = [source.current, shown.current, cover.current];
    if (!from || !video || !canvas) return undefined;
    const { screen } = viewer.picture.display;
    const laid = new PictureCover({
      ...{ video, canvas, resizingTo: screen.resizingTo.get, displaySize: screen.size.get },
    });
    const stop = screen.resizingTo.subscribe(() => {
      if (!screen.resizingTo.get()) return;
      // Where its picture lies now, whatever the display will be.
      canvas.style.cssText = video.style.cssText;
      laid.lay('size');
    });
    const look = (_now: number, frame: VideoFrameCallbackMetadata): void => {
      laid.frameShown(frame);
      handle = video.requestVideoFrameCallback(look);
    };
    let handle = video.requestVideoFrameCallback(look);
    const follow = (): void => {
      const stream = streamOf(from);
      if (stream && video.srcObject !== stream) video.srcObject = stream;
      // A window that is being closed plays nothing.
      video.play().catch(() => undefined);
    };
    follow();
    from.addEventListener('playing', follow);
    from.addEventListener('loadeddata', follow);
    return () => {
      from.removeEventListener('playing', follow);
      from.removeEventListener('loadeddata', follow);
      video.cancelVideoFrameCallback(handle);
      stop();
      laid.close();
      video.srcObject = null;
    };
  }, [viewer, source, shown, cover]);
}

type Capturing = HTMLVideoElement & { readonly captureStream?: () => MediaStream };

/** What is played from memory is no stream yet. */
function streamOf(video: Capturing): MediaStream | null {
  if (video.srcObject instanceof MediaStream) return video.srcObject;
  return video.readyState > 0 ? (video.captureStream?.() ?? null) : null;
}

function useCapture(
  props: Props,
  video: RefObject<HTMLVideoElement | null>,
  keyboard: RefObject<HTMLTextAreaElement | null>,
): void {
  const { viewer, second, isPointing, setHeld, focusBar } = props;
  const noteImage = useEffectEvent(() => props.noteImage());
  useEffect(() => {
    const [element, keys] = [video.current, keyboard.current];
    if (!element || !keys) return undefined;
    const choices = { isPointing, setHeld, focusBar, noteImage: () => noteImage() };
    const capturing = startCapture({ viewer, element, keyboard: keys, window: second.window }, choices);
    keys.focus({ preventScroll: true });
    return () => capturing[Symbol.dispose]();
  }, [viewer, second, video, keyboard, isPointing, setHeld, focusBar]);
}
