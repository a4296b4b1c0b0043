/**
 * An X11 program that shows one scene and costs next to nothing: its pictures lie in the X server from the start on, and one more is a
 * copy there. Any key or button changes the marker at once; the space bar stops the scene, and starts it again. Runs where nothing else
 * of Medusa is: only npm `x11` and the file beside it are needed.
 */
import { open, readFile } from 'node:fs/promises';
import x11, { type Display, type XClient, type XEvent } from 'x11';
import { blocksOf, type Content, counter, countsOf, marker, pictureOf, stripPx } from './layout.ts';

const contentFile = process.argv[2] ?? '';
const content = JSON.parse(await readFile(contentFile, 'utf8')) as Content;
const { widthPx, heightPx } = content;
const sceneHeightPx = heightPx - stripPx;
const spaceKeysym = 0x20;
/** Requests without the extension for big ones end here. */
const mostImageBytes = 4 * 65_535 - 24;

const display = await connect();
const { client } = display;
const screen = display.screen[0];
if (!screen) throw new Error('The X server has no screen');
const depth = screen.root_depth;
const keysyms = await readKeysyms(display);
const events = ['KeyPress', 'ButtonPress', 'Exposure', 'StructureNotify'].reduce(
  (mask, name) => mask | (x11.eventMask[name] ?? 0),
  0,
);

const window = client.AllocID();
client.CreateWindow(window, screen.root, 0, 0, widthPx, heightPx, 0, 0, 0, 0, {
  backgroundPixel: screen.black_pixel,
  eventMask: events,
});
const [white, black] = [client.AllocID(), client.AllocID()];
client.CreateGC(white, window, { foreground: screen.white_pixel, graphicsExposures: 0 });
client.CreateGC(black, window, { foreground: screen.black_pixel, graphicsExposures: 0 });
const pictures = await uploadPictures(client);
// Drawn here first, so that nobody ever sees a picture with another one's number.
const canvas = client.AllocID();
client.CreatePixmap(canvas, window, depth, widthPx, heightPx);
client.PolyFillRectangle(canvas, black, [0, 0, widthPx, heightPx]);

let count = 0;
let isMarked = false;
let isRunning = content.picturesPerSecond > 0;

client.on('event', (event: XEvent) => {
  if (event.name === 'MapNotify') {
    clearInterval(mapping);
    client.SetInputFocus(window, 1);
  }
  if (event.name === 'Expose') show(0, heightPx);
  if (event.name === 'KeyPress' && keysyms.get(event.keycode ?? 0) === spaceKeysym) isRunning = !isRunning;
  else if (event.name === 'KeyPress' || event.name === 'ButtonPress') answer();
});
client.on('error', (error: unknown) => process.stderr.write(`${String(error)}\n`));
client.on('end', () => process.exit(0));
draw();
drawMarker();
client.MapWindow(window);
// A window manager that is just starting may overhear the first request.
const mapping = setInterval(() => client.MapWindow(window), 1_000);
if (content.picturesPerSecond > 0) tick(performance.now());

/** The marker alone changes: what an application draws for an input is small, and comes at once. */
function answer(): void {
  isMarked = !isMarked;
  drawMarker();
  show(marker.y, marker.height);
}

/** At its own pace, not one after the other: a late picture does not make all later ones late. */
function tick(dueAtMs: number): void {
  const intervalMs = 1_000 / content.picturesPerSecond;
  const now = performance.now();
  if (isRunning) {
    count = (count + 1) % countsOf(content.pictures);
    draw();
    show(0, heightPx);
  }
  const skipped = Math.max(0, Math.floor((now - dueAtMs) / intervalMs));
  const nextAtMs = dueAtMs + (skipped + 1) * intervalMs;
  setTimeout(() => tick(nextAtMs), Math.max(0, nextAtMs - performance.now()));
}

function draw(): void {
  const picture = pictures[pictureOf(count, content.pictures)] ?? 0;
  client.CopyArea(picture, canvas, white, 0, 0, 0, stripPx, widthPx, sceneHeightPx);
  const blocks = blocksOf(count);
  for (const [isWhite, gc] of [[true, white] as const, [false, black] as const]) {
    const rectangles = blocks.flatMap((block, index) =>
      block === isWhite
        ? [counter.x + index * counter.blockPx, counter.y, counter.blockPx, counter.blockPx]
        : [],
    );
    client.PolyFillRectangle(canvas, gc, rectangles);
  }
}

function drawMarker(): void {
  client.PolyFillRectangle(canvas, isMarked ? white : black, [
    marker.x,
    marker.y,
    marker.width,
    marker.height,
  ]);
}

function show(y: number, height: number): void {
  client.CopyArea(canvas, window, white, 0, y, 0, y, widthPx, height);
}

async function uploadPictures(to: XClient): Promise<number[]> {
  await using file = await open(contentFile.replace(/[.]json$/, '.raw'));
  const ids: number[] = [];
  const bytes = Buffer.alloc(widthPx * sceneHeightPx * content.bytesPerPixel);
  const rowsAtOnce = Math.floor(mostImageBytes / (widthPx * 4));
  for (let picture = 0; picture < content.pictures; picture += 1) {
    await file.read(bytes, 0, bytes.length);
    const pixels = toPixels(bytes);
    const id = to.AllocID();
    to.CreatePixmap(id, window, depth, widthPx, sceneHeightPx);
    for (let y = 0; y < sceneHeightPx; y += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, sceneHeightPx - y);
      const data = pixels.subarray(y * widthPx * 4, (y + rows) * widthPx * 4);
      to.PutImage(2, id, white, widthPx, rows, 0, y, 0, depth, data);
    }
    // The server sets the pace: its pictures need not lie in our memory too.
    await to.sync();
    ids.push(id);
  }
  return ids;
}

/** Blue, green, red and nothing: what X servers on this side of the century use. */
function toPixels(bytes: Buffer): Buffer {
  const step = content.bytesPerPixel;
  const pixels = Buffer.alloc((bytes.length / step) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += step, to += 4) {
    pixels[to] = bytes[from + (step === 3 ? 2 : 0)] ?? 0;
    pixels[to + 1] = bytes[from + (step === 3 ? 1 : 0)] ?? 0;
    pixels[to + 2] = bytes[from] ?? 0;
  }
  return pixels;
}

async function connect(): Promise<Display> {
  return new Promise((resolve, reject) => {
    x11.createClient({ shm: false }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
}

async function readKeysyms({
  client: from,
  min_keycode: first,
  max_keycode: last,
}: Display): Promise<Map<number, number>> {
  return new Promise((resolve, reject) => {
    from.GetKeyboardMapping(first, last - first + 1, (error, mapping) =>
      error
        ? reject(error)
        : resolve(new Map(mapping.map((symbols, index) => [first + index, symbols[0] ?? 0]))),
    );
  });
}
