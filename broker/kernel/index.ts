export { TypedEmitter } from './typed-emitter.ts';
export { backoffMs } from './backoff.ts';
export { assertNever } from './assert-never.ts';
export { createExclusive } from './exclusive.ts';
export { inBatches } from './in-batches.ts';
