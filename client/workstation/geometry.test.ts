import { expect, test } from 'vitest';
import { cameraAxes, imageRectangle } from './geometry.ts';

test('the image reaches from the outer corner of its first pixel to that of its last one', () => {
  const plane = {
    origin: [-100, -50, 3],
    direction: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    spacing: [0.5, 0.5, 1],
    dimensions: [400, 200, 1],
  };

  const rectangle = imageRectangle({
    plane,
    firstCorner: -0.5,
    worldToCanvas: ([x, y]) => [(x + 100) * 4 + 10, (y + 50) * 4 + 20],
  });

  expect(rectangle).toEqual({ x: 9, y: 19, width: 800, height: 400 });
});

test('a camera that looks at an axial slice from the feet has the left hand on the right', () => {
  const { right, down } = cameraAxes([0, -1, 0], [0, 0, -1]);

  expect([right.map((v) => v + 0), down.map((v) => v + 0)]).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
});
