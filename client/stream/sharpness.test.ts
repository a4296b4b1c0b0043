import { describe, expect, it } from 'vitest';
import { createSharpnessStore, screenFor } from './sharpness.ts';

const sharp = { devicePixelRatio: 2, sharpness: 'sharp', targetKbps: 12_000, scalePercent: 100 } as const;
const plain = { ...sharp, devicePixelRatio: 1 };

describe('screenFor', () => {
  it('asks for even sizes within the limits', () => {
    expect(screenFor({ width: 1001, height: 701 }, plain)).toEqual({
      width: 1000,
      height: 700,
      scalePercent: 100,
    });
    expect(screenFor({ width: 300, height: 200 }, plain)).toEqual({
      width: 640,
      height: 480,
      scalePercent: 100,
    });
  });

  it('asks for px of the device, with an interface as large as the page', () => {
    expect(screenFor({ width: 1200, height: 800 }, sharp)).toEqual({
      width: 2400,
      height: 1600,
      scalePercent: 200,
    });
    expect(screenFor({ width: 1200, height: 800 }, { ...sharp, sharpness: 'economical' })).toEqual({
      width: 1200,
      height: 800,
      scalePercent: 100,
    });
  });

  it('keeps the shape of a stage that has more px than a display may', () => {
    expect(screenFor({ width: 2560, height: 1200 }, sharp)).toEqual({
      width: 3840,
      height: 1800,
      scalePercent: 150,
    });
    expect(screenFor({ width: 3000, height: 2000 }, sharp)).toMatchObject({
      height: 2160,
      scalePercent: 108,
    });
  });

  it('asks for less where the path carries less, and gives up later than it begins', () => {
    const stage = { width: 1000, height: 1000 };
    expect(screenFor(stage, { ...sharp, targetKbps: null }).scalePercent).toBe(200);
    expect(screenFor(stage, { ...sharp, targetKbps: 3_000 }).scalePercent).toBe(100);
    expect(screenFor(stage, { ...sharp, targetKbps: 3_000, scalePercent: 200 }).scalePercent).toBe(200);
    expect(screenFor(stage, { ...sharp, targetKbps: 1_000, scalePercent: 200 }).scalePercent).toBe(100);
  });

  it('has fewer px where the page is zoomed out', () => {
    expect(screenFor({ width: 2000, height: 1600 }, { ...sharp, devicePixelRatio: 0.5 })).toEqual({
      width: 1000,
      height: 800,
      scalePercent: 100,
    });
  });
});

describe('createSharpnessStore', () => {
  it('remembers the choice of the device, and nothing that is none', () => {
    const kept = new Map([['medusa.sharpness', 'huge']]);
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
    };
    const store = createSharpnessStore(storage);
    expect(store.get()).toBe('sharp');
    store.set('economical');
    expect(createSharpnessStore(storage).get()).toBe('economical');
  });
});
