import { similarity } from '../../support/picture.ts';
import type { GrayPicture } from '../../support/reference.ts';
import type { Scene } from './content/scenes.ts';
import type { Probe } from './probe.ts';
import { stripPx } from './program/layout.ts';

export type Quality = { readonly psnrDb: number; readonly ssim: number };

/** More than 8 bits can tell: what is alike counts as this much. */
const mostDb = 99;

/** Of the picture that is shown now, against the true one of the same number; undefined when its number cannot be read. */
export async function judgePicture(probe: Probe, scene: Scene): Promise<Quality | undefined> {
  const shown = await probe.grab();
  if (!shown) return undefined;
  const truth = scene.truth(shown.count);
  const seen = crop(shown, truth);
  return { psnrDb: psnr(seen, truth), ssim: similarity(seen, truth) };
}

function crop(shown: GrayPicture, { width, height }: GrayPicture): GrayPicture {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = (y + stripPx) * shown.width;
    pixels.set(shown.pixels.subarray(from, from + width), y * width);
  }
  return { width, height, pixels };
}

function psnr(one: GrayPicture, other: GrayPicture): number {
  const squares = one.pixels.reduce(
    (sum, value, index) => sum + (value - (other.pixels[index] ?? 0)) ** 2,
    0,
  );
  return squares === 0 ? mostDb : Math.min(mostDb, 10 * Math.log10((255 ** 2 * one.pixels.length) / squares));
}
