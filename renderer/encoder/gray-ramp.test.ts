import { describe, expect, it } from 'vitest';
import { measureGrayRamp } from './gray-ramp.ts';

const settings = { widthPx: 1_280, heightPx: 720, framesPerSecond: 30, kbps: 8_000, threads: 2 };

describe('measureGrayRamp', () => {
  it('finds the grays of a good picture apart and in their place', async () => {
    const ramp = await measureGrayRamp({ ...settings, crf: 12 });
    expect(ramp.levels).toBeGreaterThanOrEqual(250);
    expect(ramp.worstError).toBeLessThanOrEqual(3);
  });

  it('finds out what a poor one does to them', async () => {
    const good = await measureGrayRamp({ ...settings, crf: 12 });
    const poor = await measureGrayRamp({ ...settings, crf: 51 });
    expect(poor.levels).toBeLessThan(good.levels);
    expect(poor.worstError).toBeGreaterThan(good.worstError);
  });
});
