import { describe, expect, it } from 'vitest';
import { fitContained, fitStill, isInside, toDisplayPx, toFractions } from './display-mapping.ts';

const display = { width: 1280, height: 720 };

describe('the way from the page to the display', () => {
  it('puts bars left and right of a picture in a wider box', () => {
    const picture = fitContained({ left: 10, top: 50, width: 2000, height: 720 }, display);

    expect(picture).toEqual({ left: 370, top: 50, width: 1280, height: 720 });
  });

  it('puts bars above and below a picture in a higher box', () => {
    const picture = fitContained({ left: 0, top: 0, width: 640, height: 640 }, display);

    expect(picture).toEqual({ left: 0, top: 140, width: 640, height: 360 });
  });

  it('reaches the first and the last pixel, and never beyond', () => {
    const picture = { left: 0, top: 140, width: 640, height: 360 };

    expect(toDisplayPx({ x: 0, y: 140 }, picture, display)).toEqual({ x: 0, y: 0 });
    expect(toDisplayPx({ x: 639.9, y: 499.9 }, picture, display)).toEqual({ x: 1279, y: 719 });
    expect(toDisplayPx({ x: -50, y: 9999 }, picture, display)).toEqual({ x: 0, y: 719 });
    expect(toDisplayPx({ x: 320, y: 320 }, picture, display)).toEqual({ x: 640, y: 360 });
  });

  it('knows the bars from the picture', () => {
    const picture = { left: 0, top: 140, width: 640, height: 360 };

    expect(isInside({ x: 5, y: 140 }, picture)).toBe(true);
    expect(isInside({ x: 5, y: 139 }, picture)).toBe(false);
    expect(isInside({ x: 5, y: 500 }, picture)).toBe(false);
  });

  it('tells pointers as fractions', () => {
    expect(toFractions({ x: 160, y: 320 }, { left: 0, top: 140, width: 640, height: 360 })).toEqual({
      x: 0.25,
      y: 0.5,
    });
  });

  it('gives a still its own size at whole device px, unless the page is of another one', () => {
    const box = (width: number, height: number) => ({ left: 0, top: 0, width, height });
    expect(fitStill(box(1281, 723), display, 1)).toEqual({
      rectangle: { left: 1, top: 2, width: 1280, height: 720 },
      scale: 1,
    });
    expect(fitStill(box(640.5, 361), display, 2)).toEqual({
      rectangle: { left: 0.5, top: 0.5, width: 640, height: 360 },
      scale: 1,
    });
    expect(fitStill(box(1024, 600), display, 1).scale).toBe(0.8);
    expect(fitStill(box(1024, 600), { width: 0, height: 0 }, 1).scale).toBe(1);
  });
});
