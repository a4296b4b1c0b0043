export { estimateWaitSeconds } from './estimate.ts';
