import type { Size } from './display-mapping.ts';
import type { Picture } from './picture.ts';
import type { VideoTransport } from './video-transport.ts';

/** Tells the picture each frame that reaches the screen. Answers how to stop. */
export function watchFrames(
  video: HTMLVideoElement,
  { picture, shown, shownIn }: { picture: Picture; shown: VideoTransport; shownIn: (size: Size) => void },
): () => void {
  let handle = 0;
  // The time of handing to the compositor: the expected display time is a guess that lies up to 140 ms off without a
  // real display.
  const look = (_now: number, metadata: VideoFrameCallbackMetadata): void => {
    const frame = shown.shownFrame(metadata);
    if (frame) picture.frameShown(frame, metadata.presentationTime);
    shownIn(metadata);
    handle = video.requestVideoFrameCallback(look);
  };
  handle = video.requestVideoFrameCallback(look);
  return () => video.cancelVideoFrameCallback(handle);
}
