import type { TypedEmitter } from '@medusa/kernel';
import type { PictureLayer } from '@medusa/protocol';
import type { DisplayAddress, DisplaySize } from '../display/index.ts';
import type { EncoderName } from './ladder.ts';
import type { AccessUnit, Answer, GrayRamp, InjectedInput, StillEvent, Thrift } from './messages.ts';

export type EncoderOptions = {
  readonly address: DisplayAddress;
  readonly xauthorityFile: string;
  readonly size: DisplaySize;
  readonly framesPerSecond: number;
  readonly kbps: number;
  readonly thrift: Thrift;
  /** Those that work on this machine, best first; when one cannot be kept running the next one takes over. Unset: x264. */
  readonly encoders?: readonly EncoderName[];
};

export type EncoderEvents = {
  'access-unit': [accessUnit: AccessUnit];
  /** Of a frame that was told before: its input became known later. */
  answer: [answer: Answer];
  /** A few seconds after the start, and after each new size. */
  grays: [ramp: GrayRamp];
  /** Of a resting picture, while stills are wanted. */
  still: [event: StillEvent];
  /** It died and a new one runs, maybe of another name; the next access unit is a keyframe, the next still is told from the beginning. */
  restarted: [];
  /** It cannot be kept running. */
  failed: [error: Error];
};

/**
 * The port to whatever turns a display into H.264. Frames come when the display changes and after `requestKeyframe`,
 * each at once and never more than one at a time; the first is a keyframe, and so is the first of a new size.
 */
export interface Encoder extends AsyncDisposable {
  /** The one at work now. */
  readonly name: string;
  readonly events: TypedEmitter<EncoderEvents>;
  /** Requests that come together are answered by one keyframe. */
  requestKeyframe(layer: PictureLayer): void;
  setBitrate(kbps: number): void;
  /** The weak layer is made while it has a bit rate; at first it has none. It begins with a keyframe. */
  setWeakBitrate(kbps: number | null): void;
  resize(size: DisplaySize): void;
  /** Whether a resting picture is refined to a lossless still. At first it is not. */
  wantStills(isWanted: boolean): void;
  /** The first frame that shows what it did carries it, or is told with it once more. */
  noteInput(input: InjectedInput): void;
}
export type OpenEncoder = (
  options: EncoderOptions,
  report: (error: unknown) => void,
  signal: AbortSignal,
) => Promise<Encoder>;
