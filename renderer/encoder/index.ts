export type { Encoder, EncoderOptions, OpenEncoder } from './encoder.ts';
export { EncoderProcess, probeEncoders } from './encoder-process.ts';
export { type AccessUnit, type FrameTiming, type InjectedInput, monotonicMs } from './messages.ts';
