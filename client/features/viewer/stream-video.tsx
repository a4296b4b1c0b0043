import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import { reportFault } from '../../core/report.ts';
import type { Size } from '../../stream/display-mapping.ts';
import { PictureCover } from '../../stream/picture-cover.ts';
import type { Picture, RemoteCursor } from '../../stream/picture.ts';
import { useStore } from '../../ui/use-store.ts';

type Props = {
  readonly picture: Picture;
  readonly videoRef: RefObject<HTMLVideoElement | null>;
  readonly isPointing: boolean;
  readonly hasControl: boolean;
};

/** The video, and over it the last picture while a new stream, or a display of another size, has none to show yet. */
export function StreamVideo({ picture, videoRef, isPointing, hasControl }: Props): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cover = useRef<PictureCover>(null);
  const track = useStore(picture.track);
  const cursor = useStore(picture.cursor);

  useEffect(() => {
    const [video, over] = [videoRef.current, canvas.current];
    if (!video || !over) return undefined;
    const { screen } = picture;
    const laid = new PictureCover({
      ...{ video, canvas: over, resizingTo: screen.resizingTo.get, displaySize: screen.size.get },
    });
    cover.current = laid;
    const stop = screen.resizingTo.subscribe(() => {
      if (screen.resizingTo.get()) laid.lay('size');
    });
    return () => {
      stop();
      laid.close();
    };
  }, [picture, videoRef]);

  useEffect(() => {
    const video = videoRef.current;
    if (!video || !track) return undefined;
    cover.current?.lay('frame');
    video.srcObject = new MediaStream([track]);
    video.play().catch(reportFault);
    return watchFrames(video, picture, (frame) => cover.current?.frameShown(frame));
  }, [track, picture, videoRef]);

  return (
    <>
      <video
        ref={videoRef}
        className="stream-video"
        style={{ cursor: cursorStyle(cursor, isPointing || !hasControl) }}
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

/** Tells the picture each frame that reaches the screen. Answers how to stop. */
function watchFrames(video: HTMLVideoElement, picture: Picture, shownIn: (size: Size) => void): () => void {
  let handle = 0;
  // The time of handing to the compositor: the expected display time is a guess that lies up to 140 ms off without a
  // real display.
  const shown = (_now: number, metadata: VideoFrameCallbackMetadata): void => {
    const { rtpTimestamp, presentationTime, presentedFrames, receiveTime: receivedAt } = metadata;
    if (rtpTimestamp !== undefined)
      picture.frameShown(
        { rtpTimestamp, presentedFrames, receivedAt: receivedAt ?? presentationTime },
        presentationTime,
      );
    shownIn(metadata);
    handle = video.requestVideoFrameCallback(shown);
  };
  handle = video.requestVideoFrameCallback(shown);
  return () => video.cancelVideoFrameCallback(handle);
}

/** The shape is drawn by the browser, so that the pointer never waits for the stream. */
function cursorStyle(cursor: RemoteCursor, isPointer: boolean): string {
  if (isPointer) return 'crosshair';
  if (!cursor) return 'default';
  return cursor.url === '' ? 'none' : `url(${cursor.url}) ${cursor.hotspotX} ${cursor.hotspotY}, default`;
}
