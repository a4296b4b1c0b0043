export { Clipboard } from './clipboard.ts';
export { VirtualDisplay } from './virtual-display.ts';
export { type DisplayAddress, XConnection } from './x-connection.ts';
export { type DisplaySize, fitSize } from './screen-size.ts';
export { untilWindowShown } from './window-watch.ts';
