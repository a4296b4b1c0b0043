import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import { strings } from '../../strings/en.ts';
import { reportFault } from '../../core/report.ts';
import type { Picture, RemoteCursor } from '../../stream/picture.ts';
import { useStore } from '../../ui/use-store.ts';

type Props = {
  readonly picture: Picture;
  readonly videoRef: RefObject<HTMLVideoElement | null>;
  readonly isPointing: boolean;
  readonly hasControl: boolean;
};

/** The video, and under it the last picture of the stream before, until the new one shows its first. */
export function StreamVideo({ picture, videoRef, isPointing, hasControl }: Props): ReactNode {
  const still = useRef<HTMLCanvasElement>(null);
  const track = useStore(picture.track);
  const cursor = useStore(picture.cursor);

  useEffect(() => {
    const video = videoRef.current;
    if (!video || !track) return undefined;
    keepLastPicture(video, still.current);
    video.srcObject = new MediaStream([track]);
    video.play().catch(reportFault);
    return watchFrames(video, picture);
  }, [track, picture, videoRef]);

  return (
    <>
      <canvas ref={still} className="stream-still" aria-hidden />
      <video
        ref={videoRef}
        className="stream-video"
        style={{ cursor: cursorStyle(cursor, isPointing || !hasControl) }}
        data-testid="stream-video"
        data-control={hasControl}
        aria-label={strings.viewer.picture}
        tabIndex={0}
        autoFocus
        muted
        playsInline
        disablePictureInPicture
      />
    </>
  );
}

function keepLastPicture(video: HTMLVideoElement, still: HTMLCanvasElement | null): void {
  if (!still || video.videoWidth === 0) return;
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d')?.drawImage(video, 0, 0);
}

/** Tells the picture each frame that reaches the screen. Answers how to stop. */
function watchFrames(video: HTMLVideoElement, picture: Picture): () => void {
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
