import { fitContained, fitStill, type Rectangle, type Size } from './display-mapping.ts';
import type { ScreenWish } from './sharpness.ts';

/** Which of two screens side by side a window shows; `all`: the whole display, as there is but one or as others see it. */
export type ScreenPart = 'first' | 'second' | 'all';

/** What a display may have in px across. */
const mostWidth = 3840;

/** The part of the display that a window shows, in px of the display. */
export function partOf(display: Size, seam: number | null, part: ScreenPart): Rectangle {
  const whole = { left: 0, top: 0, ...display };
  if (seam === null || part === 'all') return whole;
  return part === 'first' ? { ...whole, width: seam } : { ...whole, left: seam, width: display.width - seam };
}

/** Where the whole picture lies about a window whose `box` shows but the part: what is of the other screen lies outside. */
export function placePicture(box: Size, display: Size, part: Rectangle): Rectangle {
  return around(fitContained({ left: 0, top: 0, ...box }, part), display, part);
}

/** The same for a still, and how many device px a pixel of it has. */
export function placeStill(
  box: Size,
  { display, part }: { readonly display: Size; readonly part: Rectangle },
  devicePixelRatio: number,
): { readonly rectangle: Rectangle; readonly scale: number } {
  const { rectangle, scale } = fitStill({ left: 0, top: 0, ...box }, part, devicePixelRatio);
  return { rectangle: around(rectangle, display, part), scale };
}

/** One display for two screens: as wide as both, and as high as the lower one, so that each shows all of its part. */
export function besides(first: ScreenWish, second: ScreenWish): ScreenWish & { readonly seam: number } {
  const even = (px: number): number => Math.floor(px / 2) * 2;
  const ratio = Math.min(1, mostWidth / (first.width + second.width));
  const seam = even(first.width * ratio);
  return {
    width: seam + even(second.width * ratio),
    height: even(Math.min(first.height, second.height) * ratio),
    scalePercent: Math.max(100, Math.round(first.scalePercent * ratio)),
    seam,
  };
}

function around(shown: Rectangle, display: Size, part: Rectangle): Rectangle {
  const scale = part.width > 0 ? shown.width / part.width : 1;
  return {
    left: shown.left - part.left * scale,
    top: shown.top - part.top * scale,
    width: display.width * scale,
    height: display.height * scale,
  };
}
