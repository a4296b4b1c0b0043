export { type DisplayOptions, VirtualDisplay } from './virtual-display.ts';
export { type DisplayAddress, XConnection } from './x-connection.ts';
export { type DisplaySize, fitSize, largestSize } from './screen-size.ts';
export { untilWindowShown } from './window-watch.ts';
