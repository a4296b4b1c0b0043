import { expect, test } from 'vitest';
import { directionLetters, edgeLetters } from './orientation.ts';

test('an axial slice seen from the feet has the patient right hand on the left', () => {
  expect(edgeLetters([1, 0, 0], [0, 1, 0])).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
});

test('a sagittal slice has the head on top and the face on the left', () => {
  expect(edgeLetters([0, 1, 0], [0, 0, -1])).toEqual({ left: 'A', right: 'P', top: 'H', bottom: 'F' });
});

test('an oblique direction names the strongest side first, a slight tilt only one', () => {
  expect([directionLetters([0.8, -0.6, 0]), directionLetters([0.995, 0, 0.1])]).toEqual(['LA', 'L']);
});
