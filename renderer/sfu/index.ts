export { Sfu } from './sfu.ts';
export { SessionStream } from './session-stream.ts';
export { bitrateLimits } from './bitrate.ts';
