import { describe, expect, it } from 'vitest';
import {
  frameAt,
  levelIndexAt,
  mmPerPx,
  onWholePixels,
  scaleBar,
  slideRectangle,
  type SlideViewpoint,
} from './slide-geometry.ts';
import type { Slide, SlideLevel } from './slide-metadata.ts';

const level = (columns: number, rows: number): SlideLevel => ({
  ...{ sopInstanceUID: `1.${columns}`, columns, rows, tileColumns: 100, tileRows: 100, places: null },
});
const levels = [level(250, 125), level(500, 250), level(1_000, 500)];
const slide: Slide = {
  ...{ seriesInstanceUID: '1', levels, objective: null, container: '', metadata: [] },
  spacingMm: { row: 0.001, column: 0.002 },
};
const from = (change: Partial<SlideViewpoint> = {}): SlideViewpoint => ({
  ...{ centerX: 500, centerY: 250, resolution: 1, rotation: 0 },
  ...change,
});

describe('the level', () => {
  it.each([
    [0.25, 2],
    [1.4, 2],
    [1.6, 1],
    [2.9, 1],
    [3.1, 0],
    [40, 0],
  ])('at %d pixels a px is the nearest', (resolution, index) => {
    expect(levelIndexAt(levels, resolution)).toBe(index);
  });
});

describe('the place of the slide', () => {
  const stage = { width: 400, height: 300 };

  it('follows the middle, the scale and the turn', () => {
    const [, , base = level(1, 1)] = levels;

    expect(slideRectangle(base, from({ resolution: 2 }), stage)).toEqual({
      ...{ x: -50, y: 25, width: 500, height: 250 },
    });
    const moved = slideRectangle(base, from({ centerX: 0, resolution: 2, rotation: Math.PI }), stage);
    expect(moved.x).toBeCloseTo(-300);
    const turned = slideRectangle(base, from({ rotation: Math.PI / 2 }), stage);
    expect([turned.width, turned.height].map(Math.round)).toEqual([500, 1_000]);
  });

  it('is on whole px, in sides of odd length too', () => {
    const snapped = onWholePixels(from({ centerX: 500.3, centerY: 250.4 }), { width: 401, height: 300 });

    expect(snapped).toMatchObject({ centerX: 500.5, centerY: 250 });
  });

  it('names the tile in the middle', () => {
    expect(frameAt(slide, 2, from({ centerX: 250, centerY: 150 }))).toBe(13);
    expect(frameAt(slide, 0, from({ centerX: 999, centerY: 499 }))).toBe(6);
  });
});

describe('the scale', () => {
  it('is that of the direction across the screen', () => {
    expect(mmPerPx(slide, from({ resolution: 3 }))).toBeCloseTo(0.006);
    expect(mmPerPx(slide, from({ resolution: 3, rotation: Math.PI / 2 }))).toBeCloseTo(0.003);
    expect(mmPerPx({ ...slide, spacingMm: null }, from())).toBeNull();
  });

  it.each([
    [0.00025, '20 µm', 80],
    [0.0005, '50 µm', 100],
    [0.01, '1 mm', 100],
    [0.000_01, '1 µm', 100],
    [0.1, '10 mm', 100],
  ])('of %d mm a px has the bar of %s', (mm, label, px) => {
    const bar = scaleBar(mm, 120);

    expect(bar.label).toBe(label);
    expect(bar.px).toBeCloseTo(px);
  });
});
