import { reportFault } from '../core/report.ts';

/** Whatever the element has shown before. */
export function playStream(video: HTMLVideoElement, stream: MediaStream): void {
  video.removeAttribute('src');
  video.srcObject = stream;
  play(video);
}

export function play(video: HTMLVideoElement): void {
  video.play().catch((error: unknown) => {
    // Something else is to be played before this could begin.
    if (!(error instanceof DOMException && error.name === 'AbortError')) reportFault(error);
  });
}
