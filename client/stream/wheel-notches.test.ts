import { describe, expect, it } from 'vitest';
import { WheelNotches } from './wheel-notches.ts';

const pixels = (deltaY: number, deltaX = 0): { deltaX: number; deltaY: number; deltaMode: number } => ({
  deltaX,
  deltaY,
  deltaMode: 0,
});

describe('WheelNotches', () => {
  it('makes one notch of one click of a mouse wheel, in pixels and in lines', () => {
    expect(new WheelNotches().add(pixels(100)).notchesY).toBe(1);
    expect(new WheelNotches().add(pixels(-120)).notchesY).toBe(-1);
    expect(new WheelNotches().add({ deltaX: 0, deltaY: 3, deltaMode: 1 }).notchesY).toBe(1);
  });

  it('loses nothing of many small moves', () => {
    const wheel = new WheelNotches();

    const total = Array.from({ length: 100 }, () => wheel.add(pixels(25, -50))).reduce(
      (sum, { notchesX, notchesY }) => ({ x: sum.x + notchesX, y: sum.y + notchesY }),
      { x: 0, y: 0 },
    );

    expect(total).toEqual({ x: -50, y: 25 });
  });

  it('answers at once to a turn the other way', () => {
    const wheel = new WheelNotches();
    wheel.add(pixels(90));

    expect(wheel.add(pixels(-100)).notchesY).toBe(-1);
  });
});
