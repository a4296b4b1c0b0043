import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import type { Rectangle, Size } from '../../stream/display-mapping.ts';
import { PictureCover } from '../../stream/picture-cover.ts';
import type { RemoteCursor } from '../../stream/display-event.ts';
import type { Picture } from '../../stream/picture.ts';
import { watchFrames } from '../../stream/watch-frames.ts';
import { useStore } from '../../ui/use-store.ts';

type Props = {
  readonly picture: Picture;
  readonly videoRef: RefObject<HTMLVideoElement | null>;
  /** Where the whole picture lies, where but a part of it is seen here. */
  readonly place: Rectangle | null;
  readonly isPointing: boolean;
  readonly hasControl: boolean;
};

/** The video, and over it the last picture while a new stream, or a display of another size, has none to show yet. */
export function StreamVideo({ picture, videoRef, place, isPointing, hasControl }: Props): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cover = useRef<PictureCover>(null);
  const shown = useStore(picture.video);
  const cursor = useStore(picture.display.cursor);

  useEffect(() => {
    const [video, over] = [videoRef.current, canvas.current];
    if (!video || !over) return undefined;
    const { screen } = picture.display;
    const laid = new PictureCover({
      ...{ video, canvas: over, resizingTo: screen.resizingTo.get, displaySize: screen.size.get },
    });
    cover.current = laid;
    const stop = screen.resizingTo.subscribe(() => {
      if (!screen.resizingTo.get()) return;
      // It stays where it lies now, whatever the display will be.
      const { left, top, width, height } = video.style;
      Object.assign(over.style, { left, top, width, height });
      laid.lay('size');
    });
    return () => {
      stop();
      laid.close();
    };
  }, [picture, videoRef]);

  useEffect(() => {
    const video = videoRef.current;
    if (!video || !shown) return undefined;
    cover.current?.lay('frame');
    const detach = shown.attach(video);
    const shownIn = (frame: Size): void => cover.current?.frameShown(frame);
    const stop = watchFrames(video, { picture, shown, shownIn });
    return () => {
      stop();
      detach();
    };
  }, [shown, picture, videoRef]);

  return (
    <>
      <video
        ref={videoRef}
        className="stream-video"
        style={{ ...place, cursor: cursorStyle(cursor, isPointing || !hasControl) }}
        data-testid="stream-video"
        data-control={hasControl}
        aria-hidden
        muted
        playsInline
        disablePictureInPicture
      />
      <canvas ref={canvas} className="stream-cover" data-testid="stream-cover" aria-hidden hidden />
    </>
  );
}

/** The shape is drawn by the browser, so that the pointer never waits for the stream. */
function cursorStyle(cursor: RemoteCursor, isPointer: boolean): string {
  if (isPointer) return 'crosshair';
  if (!cursor) return 'default';
  return cursor.url === '' ? 'none' : `url(${cursor.url}) ${cursor.hotspotX} ${cursor.hotspotY}, default`;
}
