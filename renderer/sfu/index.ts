export { Sfu } from './sfu.ts';
export { SessionStream } from './session-stream.ts';
export { rateLimits } from './path-rate.ts';
