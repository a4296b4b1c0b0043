import type { PictureLayer } from '@medusa/protocol';
import type { ShownFrame } from './arrival-teller.ts';
import type { StreamStatistics } from './statistics.ts';
import type { TransportKind } from './transport-kind.ts';

/** One way that is open. Nothing comes before its `id` is resumed. */
export interface VideoTransport {
  readonly kind: TransportKind;
  /** Of its consumer at the render node. */
  readonly id: string;
  /** Which of the layers comes. */
  readonly layer: PictureLayer;
  /** Has its pictures shown by this element. Answers how to stop. */
  attach(video: HTMLVideoElement): () => void;
  /** What frame it is that the browser has put on screen; undefined when that is not known. */
  shownFrame(metadata: VideoFrameCallbackMetadata): ShownFrame | undefined;
  /** Since the call before; undefined while nothing came. */
  readStatistics(): Promise<StreamStatistics | undefined>;
  close(): void;
}

/** What becomes of it while it is open. */
export type VideoListeners = {
  /** It ended without having been closed: all has to be negotiated anew. */
  readonly ended: () => void;
  /** This browser cannot show it after all. */
  readonly failed: (error: unknown) => void;
  readonly layerChanged: (layer: PictureLayer) => void;
};
