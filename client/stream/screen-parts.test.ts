import { describe, expect, it } from 'vitest';
import { toDisplayPx } from './display-mapping.ts';
import { besides, partOf, placePicture, placeStill } from './screen-parts.ts';

const display = { width: 2_400, height: 800 };
const seam = 1_400;

describe('two screens of one display', () => {
  it('have a display as wide as both and as high as the lower one', () => {
    const wide = besides(
      { width: 1_400, height: 900, scalePercent: 100 },
      { width: 1_000, height: 800, scalePercent: 200 },
    );
    expect(wide).toEqual({ width: 2_400, height: 800, scalePercent: 100, seam: 1_400 });
  });

  it('share what a display has at most, in proportion', () => {
    const wide = besides(
      { width: 3_840, height: 2_160, scalePercent: 150 },
      { width: 1_920, height: 1_080, scalePercent: 100 },
    );
    expect(wide).toEqual({ width: 3_840, height: 720, scalePercent: 100, seam: 2_560 });
  });

  it.each([
    { part: 'first' as const, box: { width: 1_400, height: 800 }, left: 0 },
    { part: 'second' as const, box: { width: 1_000, height: 800 }, left: -1_400 },
    { part: 'all' as const, box: { width: 1_200, height: 400 }, left: 0 },
  ])('show the $part in its window, and a click meets what lies under it', ({ part, box, left }) => {
    const shown = partOf(display, seam, part);
    const rectangle = placePicture(box, display, shown);
    expect(rectangle.left).toBeCloseTo(left);
    const corner = toDisplayPx({ x: box.width - 1, y: box.height - 1 }, rectangle, display);
    expect(corner.x).toBeGreaterThanOrEqual(shown.left + shown.width - 3);
    expect(corner.y).toBeGreaterThanOrEqual(display.height - 3);
    const still = placeStill(box, { display, part: shown }, 1);
    expect(still.rectangle).toEqual(rectangle);
    expect(still.scale).toBe(part === 'all' ? 0.5 : 1);
  });

  it('are one where nobody told of a seam', () => {
    expect(partOf(display, null, 'second')).toEqual({ left: 0, top: 0, ...display });
  });
});
