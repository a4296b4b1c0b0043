/** What we use of npm `x11`, which ships no types. Callbacks are node-style; requests without a callback do not wait. */
declare module 'x11' {
  import type { EventEmitter } from 'node:events';

  export type Callback<Value> = (error: Error | null | undefined, value: Value) => void;
  export type Geometry = { xPos: number; yPos: number; width: number; height: number };
  export type WindowAttributes = { mapState: number; class: number };
  export type Property = { type: number; bytesAfter: number; data: Buffer };
  export type XEvent = {
    readonly name: string;
    readonly type?: number;
    readonly keycode?: number;
    readonly buttons?: number;
    readonly x?: number;
    readonly y?: number;
    /** Of selections and properties; the atoms by their numbers. */
    readonly owner?: number;
    readonly requestor?: number;
    readonly selection?: number;
    readonly target?: number;
    readonly property?: number;
    readonly time?: number;
    readonly timestamp?: number;
    readonly wid?: number;
    readonly atom?: number;
    readonly state?: number;
  };

  export interface XClient extends EventEmitter {
    readonly display: Display;
    AllocID(): number;
    require<Name extends keyof Extensions>(name: Name, callback: Callback<Extensions[Name]>): void;
    sync(): Promise<void>;
    close(callback: () => void): void;
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
    DestroyWindow(window: number): void;
    ChangeWindowAttributes(window: number, values: Readonly<Record<string, number>>): void;
    ClearArea(window: number, x: number, y: number, width: number, height: number, exposures: number): void;
    SetInputFocus(window: number, revertTo: number): void;
    GetGeometry(window: number, callback: Callback<Geometry>): void;
    GetWindowAttributes(window: number, callback: Callback<WindowAttributes>): void;
    QueryTree(window: number, callback: Callback<{ children: number[] }>): void;
    GetKeyboardMapping(first: number, count: number, callback: Callback<number[][]>): void;
    ChangeKeyboardControl(values: { autoRepeatMode: 0 | 1 }): void;
    InternAtom(onlyIfExists: boolean, name: string, callback: Callback<number>): void;
    ChangeProperty(
      mode: 0,
      window: number,
      property: number,
      type: number,
      unitBits: 8 | 32,
      data: Buffer | readonly number[],
    ): void;
    GetProperty(
      isDeleted: 0 | 1,
      window: number,
      property: number,
      type: number,
      fromWord: number,
      mostWords: number,
      callback: Callback<Property>,
    ): void;
    SetSelectionOwner(window: number, selection: number, time: number): void;
    GetSelectionOwner(selection: number, callback: Callback<number>): void;
    ConvertSelection(
      requestor: number,
      selection: number,
      target: number,
      property: number,
      time: number,
    ): void;
    SendEvent(window: number, propagate: 0, eventMask: 0, event: XEvent): void;
    ChangeKeyboardMapping(first: number, keysymsPerKeycode: number, keysyms: readonly number[]): void;
  }

  export type Display = {
    readonly client: XClient;
    readonly screen: readonly { readonly root: number }[];
    readonly min_keycode: number;
    readonly max_keycode: number;
  };

  export interface Xtest {
    readonly KeyPress: number;
    readonly KeyRelease: number;
    readonly ButtonPress: number;
    readonly ButtonRelease: number;
    readonly MotionNotify: number;
    FakeInput(type: number, detail: number, time: number, window: number, x: number, y: number): void;
  }
  export interface Damage {
    readonly ReportLevel: { readonly NonEmpty: number };
    Create(damage: number, drawable: number, level: number): void;
    Subtract(damage: number, repair: number, parts: number): void;
  }
  export type CursorImage = {
    readonly width: number;
    readonly height: number;
    readonly xhot: number;
    readonly yhot: number;
    /** BGRA bytes, premultiplied. */
    readonly cursorImage: Buffer;
  };
  export interface Fixes {
    readonly CursorNotifyMask: { readonly DisplayCursor: number };
    readonly SelectionEventMask: { readonly SetSelectionOwner: number };
    SelectCursorInput(window: number, mask: number): void;
    SelectSelectionInput(window: number, selection: number, mask: number): void;
    GetCursorImage(callback: Callback<CursorImage>): void;
  }
  export interface Randr {
    GetScreenResources(
      window: number,
      callback: Callback<{
        crtcs: number[];
        outputs: number[];
        modeinfos: { id: number; name: string }[];
      }>,
    ): void;
    CreateMode(
      window: number,
      mode: { width: number; height: number; name: string },
      callback: Callback<number>,
    ): void;
    AddOutputMode(output: number, mode: number): void;
    SetCrtcConfig(
      crtc: number,
      time: number,
      configTime: number,
      x: number,
      y: number,
      mode: number,
      rotation: number,
      outputs: readonly number[],
      callback: Callback<{ status: number }>,
    ): void;
    SetScreenSize(window: number, width: number, height: number, widthMm: number, heightMm: number): void;
  }
  export type Extensions = { xtest: Xtest; damage: Damage; fixes: Fixes; randr: Randr };

  const x11: {
    createClient(
      options: { display: string; auth: { name: string; data: string }; shm: false },
      callback: Callback<Display>,
    ): XClient;
    readonly eventMask: Readonly<Record<string, number>>;
  };
  // eslint-disable-next-line no-restricted-syntax -- a CommonJS module is imported by its default
  export default x11;
}
