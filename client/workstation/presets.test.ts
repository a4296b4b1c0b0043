import { expect, test } from 'vitest';
import { presets, toVoiRange, toWindow } from './presets.ts';

test('a window of 400 about 40 goes from -160 to 239, both included', () => {
  expect(toVoiRange({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
});

test('every preset survives the way to a range and back', () => {
  for (const { window } of presets) if (window) expect(toWindow(toVoiRange(window))).toEqual(window);
});

test('a width of nothing becomes the smallest one the standard allows', () => {
  expect(toWindow(toVoiRange({ center: 7, width: 0 }))).toEqual({ center: 7, width: 1 });
});

test('no key is given twice', () => {
  expect(new Set(presets.map(({ key }) => key)).size).toBe(presets.length);
});
