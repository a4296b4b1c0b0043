export type { Encoder, OpenEncoder } from './encoder.ts';
export { EncoderProcess, probeEncoders } from './encoder-process.ts';
export { type AccessUnit, monotonicMs, type Thrift } from './messages.ts';
