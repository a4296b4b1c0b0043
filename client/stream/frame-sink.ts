import type { WholeFrame } from './frame-assembler.ts';

/** What shows frames that came from a data channel. */
export interface FrameSink {
  /** In their order, beginning with a keyframe; after `lost` with another one. */
  take(frame: WholeFrame): void;
  attach(video: HTMLVideoElement): () => void;
  close(): void;
}

export type SinkListeners = {
  /** It is decoded, or never will be: what is done with. @param needsKeyframe it would be good to begin anew with the next. */
  readonly taken: (frame: WholeFrame, needsKeyframe: boolean) => void;
  /** Nothing can be shown before a keyframe. */
  readonly lost: () => void;
  /** This browser cannot. */
  readonly failed: (error: unknown) => void;
};
