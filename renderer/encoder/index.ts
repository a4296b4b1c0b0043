export type { Encoder, OpenEncoder } from './encoder.ts';
export { EncoderProcess, probeEncoders } from './encoder-process.ts';
export { type AccessUnit, monotonicMs, type StillEvent, type Thrift } from './messages.ts';
