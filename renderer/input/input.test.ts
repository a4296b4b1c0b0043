import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Codec, CodecContext, Frame, Packet } from 'node-av/lib';
import { AV_CODEC_ID_PNG } from 'node-av/constants';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inPlace } from '@medusa/protocol';
import type { XEvent } from 'x11';
import { VirtualDisplay } from '../display/index.ts';
import { Drawing } from '../test-support/drawing.ts';
import { type CursorShape, CursorWatch, InputInjector } from './index.ts';
import { isBefore } from './input-injector.ts';
import { KeyboardMap } from './keyboard-map.ts';

const report = (error: unknown): void => {
  throw error as Error;
};
/** KeyPress, KeyRelease, ButtonPress, ButtonRelease and PointerMotion of the core protocol. */
const inputEvents = 0b1001111;
const pointerRoot = 1;
const keysyms = { a: 0x61, upperA: 0x41, shift: 0xffe1, lambda: 0x0100_03bb };

describe('InputInjector', () => {
  let cleanup: AsyncDisposableStack;
  let display: VirtualDisplay;
  let drawing: Drawing;
  let injector: InputInjector;
  let seen: XEvent[];

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    const folder = await mkdtemp(path.join(tmpdir(), 'medusa-input-'));
    cleanup.defer(async () => rm(folder, { recursive: true }));
    const options = { size: { widthPx: 640, heightPx: 480 }, folder, uid: null, report };
    display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
    drawing = cleanup.use(await Drawing.open(display.address));
    injector = cleanup.use(await InputInjector.open(display.address, report));
    const whole = { x: 0, y: 0, width: 640, height: 480 };
    const window = await drawing.window(whole, { backgroundPixel: 0, eventMask: inputEvents });
    drawing.connection.client.SetInputFocus(window, pointerRoot);
    await drawing.connection.sync();
    seen = [];
    drawing.connection.client.on('event', (event: XEvent) => seen.push(event));
  });
  afterEach(async () => cleanup.disposeAsync());

  const names = (): string[] => seen.filter(({ name }) => name !== 'MappingNotify').map(({ name }) => name);

  it('loses no notch of the wheel and clicks where it was told', async () => {
    injector.inject({ kind: 'wheel', sequence: 1, x: 50, y: 60, notchesX: 0, notchesY: 3 });
    injector.inject({ kind: 'wheel', sequence: 2, x: 50, y: 60, notchesX: 0, notchesY: -2 });
    injector.inject({ kind: 'button', sequence: 3, x: 70, y: 80, button: 1, isDown: true });

    await expect.poll(() => seen.filter(({ name }) => name === 'ButtonPress').length).toBe(6);
    const presses = seen.filter(({ name }) => name === 'ButtonPress');
    expect(presses.map(({ keycode }) => keycode)).toEqual([5, 5, 5, 4, 4, 1]);
    expect(presses.at(-1)).toMatchObject({ x: 70, y: 80 });
  });

  it('makes one move of many, the latest, and drops those that come late', async () => {
    for (let x = 1; x <= 50; x += 1) injector.inject({ kind: 'move', sequence: x, x, y: 5 });
    const late = injector.inject({ kind: 'move', sequence: 20, x: 20, y: 5 });

    await expect.poll(() => names()).toEqual(['MotionNotify']);
    expect(late).toBe(false);
    expect(seen.find(({ name }) => name === 'MotionNotify')).toMatchObject({ x: 50, y: 5 });
  });

  it('moves by a way, px for px, and presses where the pointer is', async () => {
    injector.inject({ kind: 'button', sequence: 1, x: 100, y: 200, button: 1, isDown: true });
    injector.inject({ kind: 'move-by', sequence: 2, dx: 30, dy: -50 });
    injector.inject({ kind: 'move-by', sequence: 3, dx: -1, dy: 150 });
    injector.inject({ kind: 'button', sequence: 4, x: inPlace, y: inPlace, button: 1, isDown: false });

    await expect.poll(() => names()).toContain('ButtonRelease');
    const ways = seen.filter(({ name }) => name !== 'MappingNotify').map(({ name, x, y }) => [name, x, y]);
    expect(ways).toEqual([
      ['MotionNotify', 100, 200],
      ['ButtonPress', 100, 200],
      ['MotionNotify', 130, 150],
      ['MotionNotify', 129, 300],
      ['ButtonRelease', 129, 300],
    ]);
  });

  it('types characters of its keyboard and others alike', async () => {
    for (const keysym of [keysyms.a, keysyms.lambda, keysyms.upperA])
      for (const isDown of [true, false]) injector.inject({ kind: 'key', sequence: 1, keysym, isDown });

    // Shift goes down and up for the last one, which is on the key of the first.
    await expect.poll(() => names().length).toBe(8);
    const { first, last } = drawing.connection.keycodes;
    const { promise, resolve } = Promise.withResolvers<number[][]>();
    drawing.connection.client.GetKeyboardMapping(first, last - first + 1, (_error, rows) => resolve(rows));
    const rows = await promise;
    const pressed = seen
      .filter(({ name }) => name === 'KeyPress')
      .map(({ keycode }) => rows[(keycode ?? 0) - first]?.[0]);
    expect(pressed).toEqual([keysyms.a, keysyms.lambda, keysyms.shift, keysyms.a]);
  });

  it('lets go of everything on release-all', async () => {
    injector.inject({ kind: 'key', sequence: 1, keysym: keysyms.shift, isDown: true });
    injector.inject({ kind: 'button', sequence: 2, x: 1, y: 1, button: 3, isDown: true });
    injector.inject({ kind: 'release-all', sequence: 3 });

    await expect
      .poll(() => names())
      .toEqual(expect.arrayContaining(['KeyPress', 'KeyRelease', 'ButtonPress', 'ButtonRelease']));
  });

  it('tells the shape of the pointer as a PNG', async () => {
    const shapes: CursorShape[] = [];
    cleanup.use(await CursorWatch.open(display.address, (shape) => shapes.push(shape), report));

    expect(shapes).toHaveLength(1);
    const picture = await decodePng(Buffer.from(shapes[0]?.png ?? '', 'base64'));
    expect(picture.width).toBeGreaterThan(0);
    expect(shapes[0]?.hotspotX).toBeLessThan(picture.width);
  });
});

async function decodePng(bytes: Buffer): Promise<{ width: number; height: number }> {
  const codec = Codec.findDecoder(AV_CODEC_ID_PNG);
  if (!codec) throw new Error('no PNG decoder');
  const context = new CodecContext();
  context.allocContext3(codec);
  await context.open2(codec, null);
  const packet = new Packet();
  packet.alloc();
  packet.data = bytes;
  context.sendPacketSync(packet);
  const frame = new Frame();
  frame.alloc();
  expect(context.receiveFrameSync(frame)).toBe(0);
  return { width: frame.width, height: frame.height };
}

describe('KeyboardMap', () => {
  const map = (): KeyboardMap =>
    new KeyboardMap(8, [
      [0xffe1, 0],
      [0x61, 0x41],
      [0xff0d, 0],
      [0, 0],
    ]);
  const unshifted = { isShifted: false, pressed: new Set<number>() };

  it('takes the key that gives the keysym in the present state of Shift', () => {
    const asItIs = { remapTo: undefined, withShift: undefined };
    const shifted = { ...unshifted, isShifted: true };
    expect(map().choose(0x61, unshifted)).toEqual({ keycode: 9, ...asItIs });
    expect(map().choose(0x41, shifted)).toEqual({ keycode: 9, ...asItIs });
    expect(map().choose(0xff0d, shifted)).toEqual({ keycode: 10, ...asItIs });
  });

  it('turns Shift for what the key gives in the other state', () => {
    expect(map().choose(0x41, unshifted)).toEqual({ keycode: 9, remapTo: undefined, withShift: true });
    expect(map().choose(0x61, { ...unshifted, isShifted: true })).toEqual({
      keycode: 9,
      remapTo: undefined,
      withShift: false,
    });
    expect(map().nextLent(0x41, unshifted)).toBeUndefined();
  });

  it('lends an unused keycode to what no key gives, but none that is held down', () => {
    expect(map().choose(0x3bb, unshifted)).toEqual({ keycode: 11, remapTo: 0x3bb, withShift: undefined });
    expect(map().choose(0x3bb, { isShifted: false, pressed: new Set([11]) })).toBeUndefined();
  });
});

describe('isBefore', () => {
  it('knows the order across the wrap', () => {
    expect(isBefore(0xffff_ffff, 0)).toBe(true);
    expect(isBefore(0, 0xffff_ffff)).toBe(false);
    expect(isBefore(5, 5)).toBe(false);
  });
});
