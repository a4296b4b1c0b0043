import { expect, test } from 'vitest';
import { createNotchCounter } from './wheel.ts';

test.each([
  [{ deltaY: 120, deltaMode: 0 }, 1],
  [{ deltaY: -100, deltaMode: 0 }, -1],
  [{ deltaY: 53, deltaMode: 0 }, 1],
  [{ deltaY: 240, deltaMode: 0 }, 2],
  [{ deltaY: 106, deltaMode: 0, wheelDeltaY: -240 }, 2],
  [{ deltaY: 3, deltaMode: 1 }, 1],
  [{ deltaY: -6, deltaMode: 1 }, -2],
])('%o is %i notches', (turn, notches) => {
  expect(createNotchCounter()(turn)).toBe(notches);
});

test('small movements of a touchpad add up', () => {
  const count = createNotchCounter();

  const counted = Array.from({ length: 10 }, () => count({ deltaY: 10, deltaMode: 0 }));

  expect(counted).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
});
