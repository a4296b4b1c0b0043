import type { ParticipantId, PictureLayer, StillSize, StillWhole } from '@medusa/protocol';
import type { EncoderName } from './ladder.ts';

/** An input that was injected: the next grab may show what it did. */
export type InjectedInput = {
  readonly sequence: number;
  readonly participantId: ParticipantId;
  /** Monotonic clock of the machine (`monotonicMs`), shared by all its processes. */
  readonly injectedAtMs: number;
};

/** Where the time of one frame went, in ms of the machine's monotonic clock. */
type FrameTiming = {
  /** The first damage that this frame answers; null for a frame that was asked for. */
  readonly damagedAtMs: number | null;
  readonly grabbedAtMs: number;
  readonly grabMs: number;
  readonly convertMs: number;
  readonly encodeMs: number;
};

/** One encoded picture: an H.264 access unit in Annex B form. */
export type AccessUnit = {
  readonly layer: PictureLayer;
  readonly bytes: Uint8Array;
  readonly isKeyframe: boolean;
  /** 90 kHz, from the monotonic clock, modulo 2^32. */
  readonly rtpTimestamp: number;
  readonly timing: FrameTiming;
  readonly input: InjectedInput | null;
};

/** What an input did, and the frame that shows it. */
export type Answer = Pick<AccessUnit, 'rtpTimestamp' | 'timing'> & { readonly input: InjectedInput };

/**
 * How dear a byte is. `plenty`: the picture goes to people, at the best quality that the bit rate allows. `spare`: it crosses a link
 * between two sites; what moves is sent coarse, and sharp once it rests.
 */
export type Thrift = 'plenty' | 'spare';

export type EncoderSettings = {
  readonly encoder: EncoderName;
  readonly displayName: string;
  readonly cookie: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  readonly kbps: number;
  readonly thrift: Thrift;
};

/** How the still of a resting picture comes about. Tiles are named by a key of their place. */
export type StillEvent =
  /** What was told of these places before does not hold any more; of all others it does. */
  | {
      readonly kind: 'begun';
      readonly generation: number;
      readonly picture: StillSize;
      readonly changed: readonly number[];
    }
  /** `bytes` as they travel. */
  | { readonly kind: 'tile'; readonly key: number; readonly bytes: Uint8Array }
  /** All that was told makes the picture; told again when a later frame shows the same. */
  | StillWhole
  /** The picture has changed, or will soon. */
  | { readonly kind: 'over' };

/** What became of the 256 grays on their way through conversion, encoder and decoder. */
export type GrayRamp = {
  /** How many are still told apart. */
  readonly levels: number;
  /** Of the worst of them, in levels. */
  readonly worstError: number;
};

/** What `--probe` prints. */
export type EncoderProbe = {
  /** Best first. */
  readonly working: EncoderName[];
  /** Why. */
  readonly refused: Partial<Record<EncoderName, string>>;
};

/** Agent → encoder program, over Node's IPC channel with structured clones. */
export type EncoderCommand =
  | { readonly kind: 'open'; readonly settings: EncoderSettings }
  | { readonly kind: 'keyframe'; readonly layer: PictureLayer }
  | { readonly kind: 'bitrate'; readonly kbps: number }
  /** Null: nobody needs it. */
  | { readonly kind: 'weak'; readonly kbps: number | null }
  | { readonly kind: 'stills'; readonly isWanted: boolean }
  | { readonly kind: 'resize'; readonly widthPx: number; readonly heightPx: number }
  | { readonly kind: 'input'; readonly input: InjectedInput };

/** Encoder program → agent. */
export type EncoderReport =
  | { readonly kind: 'opened' }
  | { readonly kind: 'access-unit'; readonly accessUnit: AccessUnit }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'still'; readonly event: StillEvent }
  | { readonly kind: 'grays'; readonly ramp: GrayRamp };

/** One clock for all processes of a machine (CLOCK_MONOTONIC). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
