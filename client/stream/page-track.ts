/** A track that pictures of this page go into. */
type PageTrack = {
  readonly track: MediaStreamTrack;
  /** Takes the frame over. */
  show(frame: VideoFrame): void;
  /** The one that was shown last: who begins to look has missed it. */
  showAgain(): void;
  close(): void;
};

type Generator = MediaStreamTrack & { readonly writable: WritableStream<VideoFrame> };
type NewGenerator = new (options: { readonly kind: 'video' }) => Generator;

/** By what Chromium has for that; elsewhere over a canvas that records itself. */
export function openPageTrack(report: (error: unknown) => void): PageTrack {
  const { MediaStreamTrackGenerator } = globalThis as { MediaStreamTrackGenerator?: NewGenerator };
  return MediaStreamTrackGenerator
    ? generatedTrack(new MediaStreamTrackGenerator({ kind: 'video' }), report)
    : canvasTrack(document.createElement('canvas'));
}

function generatedTrack(track: Generator, report: (error: unknown) => void): PageTrack {
  const writer = track.writable.getWriter();
  let latest: VideoFrame | undefined;
  let kept: VideoFrame | undefined;
  let isWriting = false;
  let isClosed = false;
  /** Of frames that come faster than they are taken only the latest waits. */
  const write = async (): Promise<void> => {
    isWriting = true;
    try {
      while (latest) {
        const frame = latest;
        latest = undefined;
        await writer.write(frame);
      }
    } finally {
      isWriting = false;
    }
  };
  const put = (frame: VideoFrame): void => {
    latest?.close();
    latest = frame;
    if (isWriting) return;
    write().catch((error: unknown) => {
      if (!isClosed) report(error);
    });
  };
  return {
    track,
    show(frame) {
      kept?.close();
      kept = frame.clone();
      put(frame);
    },
    showAgain() {
      if (kept) put(kept.clone());
    },
    close() {
      isClosed = true;
      for (const frame of [latest, kept]) frame?.close();
      [latest, kept] = [undefined, undefined];
      track.stop();
    },
  };
}

function canvasTrack(canvas: HTMLCanvasElement): PageTrack {
  const context = canvas.getContext('2d', { alpha: false });
  const [track] = canvas.captureStream(0).getVideoTracks();
  if (!context || !track) throw new Error('This browser makes no video of a canvas');
  return {
    track,
    show(frame) {
      const { displayWidth: width, displayHeight: height } = frame;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      context.drawImage(frame, 0, 0);
      frame.close();
      (track as CanvasCaptureMediaStreamTrack).requestFrame();
    },
    showAgain: () => (track as CanvasCaptureMediaStreamTrack).requestFrame(),
    close: () => track.stop(),
  };
}
