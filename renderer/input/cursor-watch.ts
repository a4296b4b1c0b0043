import { promisify } from 'node:util';
import type { CursorImage, Fixes } from 'x11';
import type { DisplayEvent } from '@medusa/protocol';
import { type DisplayAddress, XConnection } from '../display/index.ts';
import { encodePng } from './png.ts';

export type CursorShape = Extract<DisplayEvent, { kind: 'cursor' }>;

/** Tells the shape of the pointer of one display, now and whenever it changes (XFIXES): the browser draws it itself. */
export class CursorWatch implements AsyncDisposable {
  readonly #connection: XConnection;
  readonly #fixes: Fixes;
  readonly #tell: (shape: CursorShape) => void;
  #last = '';

  static async open(
    address: DisplayAddress,
    tell: (shape: CursorShape) => void,
    report: (error: unknown) => void,
  ): Promise<CursorWatch> {
    const connection = await XConnection.open(address, { report });
    const watch = new CursorWatch(connection, await connection.extension('fixes'), tell);
    connection.client.on('event', () => void watch.#look().catch(report));
    watch.#fixes.SelectCursorInput(connection.root, watch.#fixes.CursorNotifyMask.DisplayCursor);
    await watch.#look();
    return watch;
  }

  private constructor(connection: XConnection, fixes: Fixes, tell: (shape: CursorShape) => void) {
    this.#connection = connection;
    this.#fixes = fixes;
    this.#tell = tell;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #look(): Promise<void> {
    const shape = toShape(await promisify(this.#fixes.GetCursorImage.bind(this.#fixes))());
    const text = JSON.stringify(shape);
    if (text === this.#last) return;
    this.#last = text;
    this.#tell(shape);
  }
}

function toShape(image: CursorImage): CursorShape {
  const rgba = Buffer.alloc(image.cursorImage.length);
  let isVisible = false;
  for (let at = 0; at < rgba.length; at += 4) {
    const [blue = 0, green = 0, red = 0, alpha = 0] = image.cursorImage.subarray(at, at + 4);
    if (alpha === 0) continue;
    isVisible = true;
    const straight = (premultiplied: number): number =>
      Math.min(255, Math.round((premultiplied * 255) / alpha));
    rgba.set([straight(red), straight(green), straight(blue), alpha], at);
  }
  const png = isVisible ? encodePng(image.width, image.height, rgba).toString('base64') : '';
  return { kind: 'cursor', png, hotspotX: image.xhot, hotspotY: image.yhot };
}
