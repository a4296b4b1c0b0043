import { expect, it } from 'vitest';
import { createRhythm } from './rhythm.ts';

it('knows how many pictures come, and that none may be known after a rest', () => {
  const rhythm = createRhythm(60);
  expect(rhythm.perSecond).toBe(60);
  let at = 0;
  const come = (perSecond: number, pictures: number): number => {
    for (let picture = 0; picture < pictures; picture += 1) rhythm.beat((at += 1_000 / perSecond));
    return rhythm.perSecond;
  };

  expect(come(30, 20)).toBe(36);
  expect(come(60, 1)).toBeLessThan(60);
  expect(come(60, 5)).toBe(60);
  expect(come(25, 20)).toBe(30);
  expect(come(10, 20)).toBe(15);
  at += 2_000;
  expect(come(30, 1)).toBe(60);
});

it('says when it has become another one', () => {
  const rhythm = createRhythm(30);
  const changes = Array.from({ length: 40 }, (_, picture) => rhythm.beat(picture * 100)).filter(Boolean);
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.length).toBeLessThanOrEqual(4);
});
