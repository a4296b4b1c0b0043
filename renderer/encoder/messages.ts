import type { ParticipantId } from '@medusa/protocol';

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
  readonly bytes: Uint8Array;
  readonly isKeyframe: boolean;
  /** 90 kHz, from the monotonic clock, modulo 2^32. */
  readonly rtpTimestamp: number;
  readonly timing: FrameTiming;
  readonly input: InjectedInput | null;
};

/**
 * How dear a byte is. `plenty`: the picture goes to people, at the best quality that the bit rate allows. `spare`: it crosses a link
 * between two sites; what moves is sent coarse, and sharp once it rests.
 */
export type Thrift = 'plenty' | 'spare';

export type EncoderSettings = {
  readonly displayName: string;
  readonly cookie: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  readonly kbps: number;
  readonly thrift: Thrift;
};

/** Agent → encoder program, over Node's IPC channel with structured clones. */
export type EncoderCommand =
  | { readonly kind: 'open'; readonly settings: EncoderSettings }
  | { readonly kind: 'keyframe' }
  | { readonly kind: 'bitrate'; readonly kbps: number }
  | { readonly kind: 'resize'; readonly widthPx: number; readonly heightPx: number }
  | { readonly kind: 'input'; readonly input: InjectedInput };

/** Encoder program → agent. */
export type EncoderReport =
  { readonly kind: 'opened' } | { readonly kind: 'access-unit'; readonly accessUnit: AccessUnit };

/** One clock for all processes of a machine (CLOCK_MONOTONIC). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
