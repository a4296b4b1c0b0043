import type { Locator } from '@playwright/test';
import { PNG } from 'pngjs';
import { ssim } from 'ssim.js';
import type { GrayPicture } from './reference.ts';

type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** The decoded frame that the element shows now, or its still, cut to `region` (px of the frame), as gray (BT.709 luma of what is shown). */
export async function grabPicture(video: Locator, region: Rectangle): Promise<GrayPicture> {
  const base64 = await video.evaluate((element: HTMLVideoElement, { x, y, width, height }) => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    // Where its lossless still lies over the video, that is what people see.
    const still = element.parentElement?.querySelector<HTMLCanvasElement>('[data-testid="still-picture"]');
    const isCovered = still?.checkVisibility({ visibilityProperty: true }) === true;
    context.drawImage(isCovered ? still : element, x, y, width, height, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    let text = '';
    for (let index = 0; index < data.length; index += 4) {
      const luma =
        0.2126 * (data[index] ?? 0) + 0.7152 * (data[index + 1] ?? 0) + 0.0722 * (data[index + 2] ?? 0);
      text += String.fromCharCode(Math.round(luma));
    }
    return btoa(text);
  }, integral(region));
  const { width, height } = integral(region);
  return { width, height, pixels: Uint8Array.from(Buffer.from(base64, 'base64')) };
}

/** A screenshot of any element, cut to `region` (CSS px of the element), as gray. */
export async function grabElement(element: Locator, region: Rectangle): Promise<GrayPicture> {
  const { width: pageWidth, data } = PNG.sync.read(await element.screenshot());
  const { x, y, width, height } = integral(region);
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = ((y + row) * pageWidth + x + column) * 4;
      pixels[row * width + column] = luma(data[at], data[at + 1], data[at + 2]);
    }
  }
  return { width, height, pixels };
}

function luma(red = 0, green = 0, blue = 0): number {
  return Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
}

/** Mean structural similarity, 1 = alike (Wang et al. 2004, as ssim.js computes it). */
export function similarity(one: GrayPicture, other: GrayPicture): number {
  return ssim(toImageData(one), toImageData(other), { downsample: false }).mssim;
}

/** Mean absolute difference in gray levels, and the largest. */
export function differenceOf(one: GrayPicture, other: GrayPicture): { mean: number; worst: number } {
  let [sum, worst] = [0, 0];
  one.pixels.forEach((value, index) => {
    const difference = Math.abs(value - (other.pixels[index] ?? 0));
    sum += difference;
    worst = Math.max(worst, difference);
  });
  return { mean: sum / one.pixels.length, worst };
}

function integral({ x, y, width, height }: Rectangle): Rectangle {
  return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}

function toImageData({ width, height, pixels }: GrayPicture): {
  data: Uint8ClampedArray;
  width: number;
  height: number;
} {
  const data = new Uint8ClampedArray(width * height * 4);
  pixels.forEach((value, index) => {
    data.fill(value, index * 4, index * 4 + 3);
    data[index * 4 + 3] = 255;
  });
  return { data, width, height };
}
