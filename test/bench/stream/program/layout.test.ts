import { expect, test } from 'vitest';
import { blocksOf, counter, countsOf, pictureOf } from './layout.ts';

test('a scene goes forth and back without a jump, also where its count starts again', () => {
  const counts = countsOf(24);
  const steps = Array.from({ length: counts }, (_, count) =>
    Math.abs(pictureOf(count, 24) - pictureOf((count + 1) % counts, 24)),
  );

  expect(new Set(steps)).toEqual(new Set([1]));
  expect(counts).toBeLessThanOrEqual(2 ** counter.bits);
});

test('a still scene has one picture', () => {
  expect([0, 1, 2, 4_095].map((count) => pictureOf(count, 1))).toEqual([0, 0, 0, 0]);
});

test('no two counts look alike, and one wrong block is noticed', () => {
  const rows = Array.from({ length: 2 ** counter.bits }, (_, count) => blocksOf(count));

  expect(new Set(rows.map(String)).size).toBe(rows.length);
  expect(rows.every((blocks) => blocks.filter(Boolean).length % 2 === 1)).toBe(true);
});
