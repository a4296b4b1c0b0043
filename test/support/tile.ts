import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Locator } from '@playwright/test';
import { PNG } from 'pngjs';

type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Red, green and blue, a byte each, row by row. */
type ColourPicture = { readonly width: number; readonly height: number; readonly pixels: Uint8Array };

/** A frame, from one, as DCMTK decodes it, in the colours that its JPEG stream says: nothing of Medusa and no browser has a hand in it. */
export function readReferenceTile(file: string, frame: number): ColourPicture {
  const folder = mkdtempSync(path.join(tmpdir(), 'medusa-tile-'));
  try {
    const picture = path.join(folder, 'tile.ppm');
    const done = spawnSync('dcmj2pnm', ['+cg', '+op', '+F', String(frame), file, picture], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`dcmj2pnm: ${done.stderr}`);
    return parsePixmap(readFileSync(picture));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The column and row of a frame's first pixel in the level, from nought, as DCMTK reads them. */
export function placeOfTile(file: string, frame: number): { column: number; row: number } {
  const valueOf = (tag: string): number => {
    const done = spawnSync('dcmdump', ['-q', '+s', '+P', tag, file], { encoding: 'utf8' });
    const values = [...done.stdout.matchAll(/\) SL (\d+)/g)].map(([, value]) => Number(value));
    const value = values[frame - 1];
    if (value === undefined) throw new Error(`dcmdump names no place of frame ${frame}: ${done.stderr}`);
    return value - 1;
  };
  return { column: valueOf('0048,021e'), row: valueOf('0048,021f') };
}

/** Binary PPM with 8 bits a colour. */
function parsePixmap(bytes: Buffer): ColourPicture {
  const header = /^P6\s+(?:#.*\n)*(\d+)\s+(\d+)\s+255\s/.exec(bytes.toString('latin1', 0, 200));
  if (!header) throw new Error('No PPM with 8 bits a colour');
  return {
    width: Number(header[1]),
    height: Number(header[2]),
    pixels: new Uint8Array(bytes.subarray(header[0].length)),
  };
}

/** Turned by half a circle. */
export function upsideDown({ width, height, pixels }: ColourPicture): ColourPicture {
  const turned = new Uint8Array(pixels.length);
  const last = width * height - 1;
  for (let index = 0; index <= last; index += 1)
    turned.set(pixels.subarray((last - index) * 3, (last - index) * 3 + 3), index * 3);
  return { width, height, pixels: turned };
}

/** What an element of the page shows in `region`, in CSS px of the element. */
export async function grabColours(element: Locator, region: Rectangle): Promise<ColourPicture> {
  return cut(PNG.sync.read(await element.screenshot()), region);
}

/** The still that lies over the video, in px of the remote display; undefined while there is none. */
export async function grabStill(video: Locator, region: Rectangle): Promise<ColourPicture | undefined> {
  const url = await video.evaluate((element) => {
    const still = element.parentElement?.querySelector<HTMLCanvasElement>('[data-testid="still-picture"]');
    return still?.checkVisibility({ visibilityProperty: true }) === true ? still.toDataURL() : undefined;
  });
  return url === undefined
    ? undefined
    : cut(PNG.sync.read(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')), region);
}

function cut({ width: pageWidth, data }: PNG, { x, y, width, height }: Rectangle): ColourPicture {
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      const from = ((y + row) * pageWidth + x + column) * 4;
      pixels.set(data.subarray(from, from + 3), (row * width + column) * 3);
    }
  return { width, height, pixels };
}

/** Over all three colours, in levels of 256. */
export function colourDifference(one: ColourPicture, other: ColourPicture): { mean: number; worst: number } {
  let [sum, worst] = [0, 0];
  one.pixels.forEach((value, index) => {
    const difference = Math.abs(value - (other.pixels[index] ?? 0));
    sum += difference;
    worst = Math.max(worst, difference);
  });
  return { mean: sum / one.pixels.length, worst };
}
