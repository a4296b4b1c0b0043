export type { Encoder, OpenEncoder } from './encoder.ts';
export { EncoderProcess, probeEncoders } from './encoder-process.ts';
export { type AccessUnit, type Answer, monotonicMs, type StillEvent, type Thrift } from './messages.ts';
