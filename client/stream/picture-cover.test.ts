import { describe, expect, it } from 'vitest';
import { isOfSize } from './picture-cover.ts';

describe('isOfSize', () => {
  const display = { width: 1438, height: 856 };

  it.each([
    [1438, 856],
    [718, 428],
    [478, 284],
  ])('knows a layer of %i × %i', (width, height) => {
    expect(isOfSize({ width, height }, display)).toBe(true);
  });

  it.each([
    [1280, 856],
    [1438, 720],
    [640, 480],
  ])('knows a part of %i × %i from the whole', (width, height) => {
    expect(isOfSize({ width, height }, display)).toBe(false);
  });
});
