export type { Encoder, OpenEncoder } from './encoder.ts';
export { EncoderProcess, probeEncoders } from './encoder-process.ts';
export { type AccessUnit, monotonicMs } from './messages.ts';
