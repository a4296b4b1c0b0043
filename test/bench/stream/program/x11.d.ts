/** What the program uses of npm `x11`, which ships no types. */
declare module 'x11' {
  import type { EventEmitter } from 'node:events';

  export interface XClient extends EventEmitter {
    AllocID(): number;
    sync(): Promise<void>;
    CreateWindow(
      id: number,
      parent: number,
      x: number,
      y: number,
      width: number,
      height: number,
      borderWidth: number,
      depth: number,
      windowClass: number,
      visual: number,
      values: Readonly<Record<string, number>>,
    ): void;
    MapWindow(window: number): void;
    SetInputFocus(window: number, revertTo: number): void;
    CreatePixmap(id: number, drawable: number, depth: number, width: number, height: number): void;
    CreateGC(id: number, drawable: number, values: Readonly<Record<string, number>>): void;
    PolyFillRectangle(drawable: number, gc: number, rectangles: readonly number[]): void;
    CopyArea(
      source: number,
      target: number,
      gc: number,
      sourceX: number,
      sourceY: number,
      x: number,
      y: number,
      width: number,
      height: number,
    ): void;
    PutImage(
      format: number,
      drawable: number,
      gc: number,
      width: number,
      height: number,
      x: number,
      y: number,
      leftPad: number,
      depth: number,
      data: Buffer,
    ): void;
    GetKeyboardMapping(
      first: number,
      count: number,
      callback: (error: Error | null | undefined, keysyms: number[][]) => void,
    ): void;
  }

  export type Display = {
    readonly client: XClient;
    readonly screen: readonly {
      readonly root: number;
      readonly root_depth: number;
      readonly white_pixel: number;
      readonly black_pixel: number;
    }[];
    readonly min_keycode: number;
    readonly max_keycode: number;
  };
  export type XEvent = { readonly name: string; readonly keycode?: number };

  const x11: {
    createClient(
      options: { shm: false },
      callback: (error: Error | null | undefined, display: Display) => void,
    ): XClient;
    readonly eventMask: Readonly<Record<string, number>>;
  };
  // eslint-disable-next-line no-restricted-syntax -- a CommonJS module is imported by its default
  export default x11;
}
